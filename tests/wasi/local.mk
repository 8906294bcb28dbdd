# tests/wasi
