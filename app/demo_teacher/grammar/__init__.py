"""The scripted teacher's own language: text drawn from combinatorial grammars, never from data."""
