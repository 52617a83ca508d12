"""Kills of the Redis door's process under orders: no order may be lost, and none doubled."""
