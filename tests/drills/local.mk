# tests/drills
