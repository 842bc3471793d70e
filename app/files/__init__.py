"""Uploads in, exports out."""
