"""DBOS: one durable workflow for each order, whose steps are checkpointed in PostgreSQL."""
