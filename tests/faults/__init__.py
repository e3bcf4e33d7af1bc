"""What breaks in a station, made to happen, and what the agent stores and says meanwhile."""
