"""The vendors' own clients against the sandbox: what they cannot use of it is a fault of it."""
