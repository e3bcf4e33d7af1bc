"""Tests of the dispatch."""
