"""Tests of app.domain.methods."""
