"""Tests of the trainer; they run in .venv-train, which has torch and not what the service needs."""
