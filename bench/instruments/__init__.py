"""Instruments: the machine, processor time and memory of processes, and the plan of the waker's query."""
