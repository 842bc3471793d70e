"""Tests of the limited child process."""
