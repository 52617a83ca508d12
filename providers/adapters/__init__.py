"""The adapters, one package for each vendor: `adapter.py` makes the calls, `wire.py` has the vendor's API as data.

`providers.registry` finds a package by its name and uses its `Adapter`. Modules beside the packages have code that
several vendors share.
"""
