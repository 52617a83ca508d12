"""The wires, a module for each adapter, of its name: `WIRE`, and where it speaks several, the others as `FURTHER`.

Nothing lists them.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from tests.contract.wire import Wire


def _further() -> Iterator[tuple[str, Wire]]:
    for name in WIRES:
        further: Mapping[str, Wire] = getattr(import_module(f"{__name__}.{name}"), "FURTHER", {})
        yield from ((f"{name} {word}", wire) for word, wire in further.items())


WIRES: Mapping[str, Wire] = {
    module.name: import_module(f"{__name__}.{module.name}").WIRE for module in iter_modules(__path__)
}
"""The wires, by the adapter's name."""

FURTHER_WIRES: Mapping[str, Wire] = dict(_further())
"""By the adapter's name, and a word."""
