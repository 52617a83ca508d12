"""Calls to the vendors' APIs: connections, time limits, where they may go, and what an answer means."""
