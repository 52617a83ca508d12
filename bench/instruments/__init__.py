"""Instruments: processor time, memory, the machine, and the plan of the waker's query."""
