"""What documents say, read out of the ways in which they are written."""
