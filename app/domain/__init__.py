"""What instruction-data generation is: pure rules without I/O, clock or framework."""
