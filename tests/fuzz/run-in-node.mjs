// run-in-node.mjs DIR FIRST COUNT - run the generated modules of DIR in node's WebAssembly and say what
// came of each call, in the words of fuzz-differential.c.
import fs from 'node:fs';

const [directory, first, count] = process.argv.slice(2);

// As traps are called there, by what V8 says.
const traps = [
        [/unreachable/, 'unreachable'],
        [/by zero/, 'zero'],
        [/unrepresentable/, 'range'],
        [/memory|data segment/, 'memory'],
        [/signature|null function/, 'signature'],
        [/table|element segment/, 'table'],
        [/call stack/, 'stack'],
];

function trapOf(e) {
        const found = traps.find(([pattern]) => pattern.test(e.message));

        return found ? found[1] : e.message;
}

function hash(memory) {
        const words = new Uint32Array(memory.buffer);
        let h = 1;

        for (let i = 0; i < words.length; i++) {
                h = Math.imul(h ^ words[i], 0x9e3779b1);
                h ^= h >>> 15;
        }
        return (h >>> 0).toString(16);
}

function text(value) {
        return ' ' + (typeof value === 'bigint' ? BigInt.asUintN(64, value) : value >>> 0).toString(16);
}

function results(value) {
        return value === undefined ? '' : Array.isArray(value) ? value.map(text).join('') : text(value);
}

function call(exports, line) {
        const [name, ...args] = line.split(' ');
        const values = args.map(a => a[0] === 'I' ? BigInt('0x' + a.slice(1)) : parseInt(a.slice(1), 16));

        try {
                return 'ok' + results(exports[name](...values));
        } catch (e) {
                return 'trap ' + trapOf(e);
        }
}

for (let seed = BigInt(first), end = seed + BigInt(count); seed < end; seed++) {
        const module = new WebAssembly.Module(fs.readFileSync(`${directory}/${seed}.wasm`));
        const { exports } = new WebAssembly.Instance(module);
        let out = '';

        for (const line of fs.readFileSync(`${directory}/${seed}.calls`, 'utf8').split('\n'))
                if (line)
                        out += `${line} -> ${call(exports, line)} m${hash(exports.m)}\n`;
        out += `state -> ${call(exports, 'state')} m${hash(exports.m)}\n`;
        fs.writeFileSync(`${directory}/${seed}.node`, out);
}
