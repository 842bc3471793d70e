"""The door to the teachers."""
