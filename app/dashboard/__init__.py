"""The HTML face: the same use cases, rendered for people."""
