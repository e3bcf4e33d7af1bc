"""Verdicts on readings: is each one possible, plausible, and in time; with the reason and the figures."""
