"""The schedule, its problem and its references."""
