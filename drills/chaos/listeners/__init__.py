"""The listeners of a run: a consumer of the stream of events, and a receiver of webhooks that itself fails."""
