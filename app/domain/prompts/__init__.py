"""The words that each method sends: one text file per step and language, versioned."""
