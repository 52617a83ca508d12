"""What is checked during a run and after it."""
