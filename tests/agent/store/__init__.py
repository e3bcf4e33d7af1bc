"""The store, on real files and in real processes."""
