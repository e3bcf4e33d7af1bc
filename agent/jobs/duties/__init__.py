"""What pumps and station do at one instant and in a day, every figure with its source."""
