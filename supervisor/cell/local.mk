# supervisor/cell
