"""Tests of the single-machine default, with real processes."""
