"""Tests of agent/jobs/judged."""
