"""What leaves: client, payloads, topics, commands."""
