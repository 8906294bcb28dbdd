# engine/artefact
