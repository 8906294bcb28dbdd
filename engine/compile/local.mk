# engine/compile
