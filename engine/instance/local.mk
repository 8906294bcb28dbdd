# engine/instance
