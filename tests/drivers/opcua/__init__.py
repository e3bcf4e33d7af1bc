"""OPC UA against real servers: asyncua's own, and others where they are installed."""
