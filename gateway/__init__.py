"""The HTTP API: one router for each resource, and what they share."""
