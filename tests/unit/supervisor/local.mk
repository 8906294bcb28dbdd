# tests/unit/supervisor
