"""The truth (PostgreSQL) and the bytes (S3)."""
