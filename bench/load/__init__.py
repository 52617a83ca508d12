"""The load of scenarios: orders, files, and a full database."""
