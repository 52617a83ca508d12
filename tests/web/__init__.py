"""Studio in real browsers."""
