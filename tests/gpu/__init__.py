"""The model server, with torch and tiny weights, in a process of its own: `make test-gpu`."""
