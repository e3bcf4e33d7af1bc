"""Conditions of pumps by their physics: what is wrong, and with what."""
