"""Tests that drive the pages with a real browser."""
