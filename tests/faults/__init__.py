"""The promises about faults, each kept before your eyes: real processes, real kills, real bills."""
