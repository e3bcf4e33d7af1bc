"""The demo, part by part and as a whole."""
