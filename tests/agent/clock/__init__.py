"""Tests of agent.clock."""
