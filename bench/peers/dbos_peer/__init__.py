"""DBOS: one durable workflow for each order. DBOS checkpoints the steps in PostgreSQL."""
