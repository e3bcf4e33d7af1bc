"""A simulated station and a broker, to see the whole product with nothing else installed."""
