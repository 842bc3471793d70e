"""Tests of our own seed sets."""
