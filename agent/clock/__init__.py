"""Whether the system clock is to be believed, and what becomes of readings stamped before it was."""
