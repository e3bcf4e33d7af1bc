"""Readings as files."""
