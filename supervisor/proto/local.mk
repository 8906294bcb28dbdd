# supervisor/proto
