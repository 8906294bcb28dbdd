# supervisor/broker
