"""Where readings are missing, and what may stand in their place."""
