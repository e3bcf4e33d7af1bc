"""Drawings of pump curves, as a picture and in a terminal."""
