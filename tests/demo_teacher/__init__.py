"""Tests of the demo teacher, most of them over real HTTP."""
