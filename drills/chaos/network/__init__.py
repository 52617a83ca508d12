"""The TCP proxies between the parts of the system."""
