"""The vendors, a package each: `adapter.py` makes the calls, `wire.py` holds the vendor's words as data.

`providers.registry` finds a package by its name and takes its `Adapter`. Modules beside the packages hold what several
vendors share.
"""
