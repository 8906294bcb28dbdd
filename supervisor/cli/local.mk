# supervisor/cli
