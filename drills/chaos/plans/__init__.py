"""The plan of a run, made in advance from a seed: faults, orders, and vendors' behaviour."""
