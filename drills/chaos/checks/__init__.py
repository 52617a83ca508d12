"""The checks during a run and after it."""
