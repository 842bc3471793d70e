"""What the benchmarks measure with is held to the truth itself."""
