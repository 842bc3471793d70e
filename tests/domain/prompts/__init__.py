"""Tests of app.domain.prompts."""
