"""Anomalies: readings that do not fit the others, learnt from the station's own normal operation."""
