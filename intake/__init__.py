"""Orders and files of customers: how each is taken in, for every door."""
