"""Tests of agent/jobs/filled."""
