"""Procrastinate: asynchronous jobs in PostgreSQL, one for each stage."""
