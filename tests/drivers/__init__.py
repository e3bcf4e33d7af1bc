"""The drivers against real servers, well-behaved and not."""
