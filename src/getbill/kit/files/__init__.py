"""Files on the local disk: durable, private to their owner, append-only."""
