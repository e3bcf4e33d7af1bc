"""Tests of what is learnt by trial."""
