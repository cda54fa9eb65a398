"""What was received: raw payloads, what a valid one is, events out of many solutions, days out of steps."""
