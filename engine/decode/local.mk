# engine/decode
