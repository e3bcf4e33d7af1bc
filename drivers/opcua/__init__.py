"""OPC UA: one server, its security, its nodes; asyncua is loaded only by those modules that talk."""
