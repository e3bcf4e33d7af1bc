"""Tests of drivers/bus."""
