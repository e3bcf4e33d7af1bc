"""Bringing up a station: what live registers may mean, and whether every tag is right."""
