// node - V8's side of the bench: `node [V8 flags] node.js`. Protocol: see nacelle.c.
const fs = require("fs");
const readline = require("readline");

let kernel;

function answer(line) {
  const [word, argument] = [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)];
  const start = process.hrtime.bigint();
  if (word === "load") {
    const module = new WebAssembly.Module(fs.readFileSync(argument));
    kernel = new WebAssembly.Instance(module, {}).exports.kernel;
    return `ok ${process.hrtime.bigint() - start}`;
  }
  if (word === "run") {
    const sum = kernel(Number(argument));
    const time = process.hrtime.bigint() - start;
    return `${time} ${BigInt.asUintN(64, sum)}`;
  }
  return `error what is "${line}"`;
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  try {
    console.log(answer(line));
  } catch (e) {
    console.log(`error ${e.message.split("\n")[0]}`);
  }
});
