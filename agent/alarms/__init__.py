"""Alarms: the pure state machine and the rules that drive it."""
