"""Tells customers about events. A committed row is the event; a message in Redis only says that there may be one."""
