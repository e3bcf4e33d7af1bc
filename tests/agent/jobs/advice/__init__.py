"""Tests of agent/jobs/advice."""
