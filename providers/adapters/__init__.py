"""The vendors, a package each: `adapter.py` makes the calls, `wire.py` is the vendor's words as data.

`providers.registry` finds a package by its name and takes its `Adapter`; nothing else knows which there are.
"""
