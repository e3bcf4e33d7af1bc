"""The plant: one module a protocol, and the vocabulary they share."""
