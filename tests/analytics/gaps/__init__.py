"""Tests of gap filling."""
