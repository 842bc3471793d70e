"""Tests of app.domain.filters."""
