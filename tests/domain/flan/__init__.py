"""Tests of app.domain.flan."""
