"""Tests of app.domain.parsing."""
