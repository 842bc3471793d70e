"""What people and workers may ask for; the only place that opens transactions."""
