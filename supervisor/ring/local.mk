# supervisor/ring
