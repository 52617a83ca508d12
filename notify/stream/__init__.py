"""Writes committed events to streams in Redis. One process at a time writes; another one takes over when it ends."""
