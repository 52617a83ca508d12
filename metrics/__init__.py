"""The metrics of a process: their names, their labels, and the port on which Prometheus reads them."""
