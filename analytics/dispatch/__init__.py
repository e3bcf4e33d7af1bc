"""Which pumps at what speed: the exact solver, and what may honestly be advised from it."""
