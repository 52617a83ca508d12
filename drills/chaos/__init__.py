"""Chaos runs: the real system under load, with a seeded schedule of faults, and an audit of what is left."""
