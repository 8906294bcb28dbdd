# shim/wasi
