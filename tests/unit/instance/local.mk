# tests/unit/instance
