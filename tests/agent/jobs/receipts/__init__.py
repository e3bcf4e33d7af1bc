"""Tests of agent/jobs/receipts."""
