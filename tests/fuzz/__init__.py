"""Fuzzing of everything that reads bytes of strangers: files, replies, forms, headers."""
