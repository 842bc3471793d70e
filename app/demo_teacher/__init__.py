"""An OpenAI-compatible server with scripted behaviour, for demos, load and fault tests."""
