"""The vendors, a package each. Each tells what the application needs of it as `VENDOR`; nothing else lists them."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from sandbox.vendor import Vendor


@cache
def vendors() -> tuple[Vendor, ...]:
    """Every vendor that the sandbox plays; for when the application is made, since their routes import its parts."""
    packages = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return tuple(package.VENDOR for package in packages)


def options(name: str, url: str) -> dict[str, str]:
    """What a customer of the vendor with this name is told besides a key, where the vendor lies at `url`."""
    vendor: Vendor = import_module(f"{__name__}.{name}").VENDOR
    return {option: value.format(url=url) for option, value in vendor.options.items()}
