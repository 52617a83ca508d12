"""Calls to the vendors' APIs: connections, time limits, the address policy, and the errors of answers."""
