"""Pump curves learnt from operation: the model, its estimator, and which readings are steady enough to teach it."""
