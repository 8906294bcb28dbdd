#!/bin/sh
# Build the kernels twice: as wasm modules, and natively into one shared library.
#
#   build-kernels.sh OUTDIR [WASMFLAG]...     WASMFLAG: e.g. -msimd128
set -eu
out=$1
shift
here=$(dirname "$0")
cc=${WASM_CC:-clang-19}
mkdir -p "$out"
objects=
for source in "$here"/kernels/*.c; do
        name=$(basename "$source" .c)
        "$cc" --target=wasm32-wasi -O3 -fno-math-errno "$@" -nostartfiles -Wl,--no-entry \
                -o "$out/$name.wasm" "$source"
        "$cc" -O3 -fno-math-errno -fPIC -c -o "$out/$name.o" "$source"
        objects="$objects $out/$name.o"
done
# shellcheck disable=SC2086
"$cc" -shared -o "$out/native.so" $objects -lm
