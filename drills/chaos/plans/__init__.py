"""What a run does, decided in advance from its seed: faults, orders and the behaviour of vendors."""
