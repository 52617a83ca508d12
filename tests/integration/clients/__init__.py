"""The examples of `clients/examples`, as programs."""
