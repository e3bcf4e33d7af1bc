"""Sparkplug: its payloads, what an edge node says, and the node at a real broker."""
