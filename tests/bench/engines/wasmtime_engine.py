"""wasmtime - Wasmtime's side of the bench, through its Python package. Protocol: see nacelle.c."""
import sys
import time

import wasmtime


def main():
    config = wasmtime.Config()
    config.parallel_compilation = False
    for feature in ("wasm_tail_call", "wasm_function_references", "wasm_gc", "wasm_exceptions",
                    "wasm_memory64"):
        if hasattr(wasmtime.Config, feature):
            setattr(config, feature, True)
    store = wasmtime.Store(wasmtime.Engine(config))
    kernel = None
    for line in sys.stdin:
        word, _, argument = line.rstrip("\n").partition(" ")
        try:
            start = time.perf_counter_ns()
            if word == "load":
                with open(argument, "rb") as f:
                    module = wasmtime.Module(store.engine, f.read())
                kernel = wasmtime.Instance(store, module, []).exports(store)["kernel"]
                answer = f"ok {time.perf_counter_ns() - start}"
            elif word == "run":
                total = kernel(store, int(argument))
                answer = f"{time.perf_counter_ns() - start} {total % 2**64}"
            else:
                answer = f"error what is {line!r}"
        except Exception as e:  # the protocol says how failures look
            answer = "error " + str(e).split("\n")[0]
        print(answer, flush=True)


main()
