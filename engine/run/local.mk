# engine/run
