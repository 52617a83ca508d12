"""The files of an order: results that are fetched, and inputs that are read."""
