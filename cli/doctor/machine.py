"""Checks this installation: the version, and the variables that are set."""

import platform
import time
from collections.abc import Iterator
from importlib import metadata

from cli.doctor.findings import Finding, ok, warning
from schemas import variables
from schemas.settings import Settings


def checks(_settings: Settings) -> Iterator[Finding]:
    """The versions, and unknown variables."""
    zone = time.strftime("%Z")
    says = f"Reelworks {metadata.version('reelworks')} on Python {platform.python_version()}, {platform.platform()}"
    yield ok("version", f"{says}; this machine shows times in {zone}, Reelworks writes UTC")
    for one in variables.unknown(variables.given()):
        yield warning("settings", str(one), "correct the name, or remove the variable")
