"""Tests of agent/jobs/duties."""
