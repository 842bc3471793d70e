"""Cultivar, a service that grows instruction-tuning datasets from seeds."""
