# supervisor/compiler
