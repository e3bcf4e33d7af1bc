"""Tests of agent/jobs/plans."""
