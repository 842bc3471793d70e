"""The fourth face: wake on a message, read the row, do the work."""
