"""Tests of agent/jobs/learnt."""
