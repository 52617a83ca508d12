"""Webhooks in the database: endpoints, the deliveries that the trigger of `events` makes, and their attempts."""
