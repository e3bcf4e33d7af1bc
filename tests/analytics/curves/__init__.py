"""Tests of analytics.curves.methods; those of the joint model stand beside this folder."""
