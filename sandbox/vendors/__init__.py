"""The vendors, one package each. Each package exports a `VENDOR`; there is no other list.

Fields of request bodies have the vendor's names. The vendor's pages, cited in each module, describe them.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from sandbox.vendor import Vendor


@cache
def vendors() -> tuple[Vendor, ...]:
    """All vendors. Call this when the application is built, because the vendors' routes import parts of the sandbox."""
    packages = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return tuple(package.VENDOR for package in packages)


def options(name: str, url: str) -> dict[str, str]:
    """The settings of a vendor's account besides its key, for a vendor at `url`."""
    vendor: Vendor = import_module(f"{__name__}.{name}").VENDOR
    return {option: value.format(url=url) for option, value in vendor.options.items()}
