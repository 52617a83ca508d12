"""The Redis door: reads requests from Redis, serves each by an operation, and answers where the sender said."""
