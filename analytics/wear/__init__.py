"""Wear: what pumps have lost against a reference that never forgets, and what only looks like it."""
