// node-run.mjs - runs a module under node:wasi as `nacelle run` would, and tells the times.
//
//     node node-run.mjs [--dir HOST:GUEST]... [--env K=V]... [--times FILE] MODULE [ARGUMENT]...
//
// FILE gets one line: milliseconds to compile, to instantiate, to run.
import fs from "node:fs";
import path from "node:path";
import { WASI } from "node:wasi";

const words = process.argv.slice(2);
const preopens = {}, env = {};
let times;

while (words[0].startsWith("--")) {
        const [option, value] = words.splice(0, 2);
        if (option === "--dir") {
                const [host, guest] = value.split(":");
                preopens[guest] = host;
        } else if (option === "--env") {
                const at = value.indexOf("=");
                env[value.slice(0, at)] = value.slice(at + 1);
        } else if (option === "--times") {
                times = value;
        } else {
                throw new Error(`unknown option ${option}`);
        }
}

const args = [path.basename(words[0]), ...words.slice(1)];
const wasi = new WASI({ version: "preview1", args, env, preopens, returnOnExit: true });
const bytes = fs.readFileSync(words[0]);
const start = performance.now();
const module = await WebAssembly.compile(bytes);
const compiled = performance.now();
const instance = await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport });
const instantiated = performance.now();
process.exitCode = wasi.start(instance);
const ended = performance.now();
if (times)
        fs.writeFileSync(times, [compiled - start, instantiated - compiled, ended - instantiated]
                .map((t) => t.toFixed(0)).join(" ") + "\n");
