"""Readings as the checks take them, tags held against each other, and the report."""
