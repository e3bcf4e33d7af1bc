"""Tests of agent/jobs/worn."""
