# tests/unit/compile
