"""What leaves the agent: connection, payloads, topics, publishing, commands."""
