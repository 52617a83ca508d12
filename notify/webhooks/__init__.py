"""Sends deliveries of webhooks to the endpoints of customers: a part of the process `notify`."""
