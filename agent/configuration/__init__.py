"""The file a technician edits: read whole, judged whole, every mistake with its place and remedy."""
