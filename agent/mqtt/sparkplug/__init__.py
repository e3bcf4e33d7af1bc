"""Sparkplug B 3.0: an edge node whose devices are those of the configuration; it advises, and takes no writes."""
