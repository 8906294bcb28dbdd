# tests/unit/artefact
