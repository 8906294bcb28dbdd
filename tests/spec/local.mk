# tests/spec
