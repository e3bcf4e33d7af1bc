"""Tests of verdicts on readings."""
