"""Reads and writes PostgreSQL, which holds the state, and the object store, which holds the files."""
