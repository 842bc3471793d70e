"""Tests of the readers of uploads and the writers of exports."""
