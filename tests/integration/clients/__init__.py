"""The Python client with Redis, and the examples of `clients/examples` as programs."""
