# engine/validate
