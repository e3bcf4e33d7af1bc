"""Jobs that do what a job must not, for the worker's tests."""
