"""The single-machine default: starts a private Postgres and Redis, the workers and the API."""
