"""Postgres: the tables, the engine, and a module of queries per family; values out, never rows."""
