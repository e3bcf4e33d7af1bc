"""Tests of agent.plots."""
