"""TCP proxies between the parts of the system, which inject network faults."""
