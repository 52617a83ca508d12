"""What the application needs of a vendor that it plays."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.config import SandboxConfig


@dataclass(frozen=True)
class Vendor:
    """A vendor's wire: its routes, the one account that it knows, and how it answers an error of its own kind."""

    router: APIRouter
    account: Callable[[SandboxConfig], object]
    """A class; what a reset begins anew."""
    error: type[Exception]
    answer_error: Callable[[Request, Any], Awaitable[Response]]
    options: Mapping[str, str] = field(default_factory=dict)
    """What its customers must be told besides the key and the address; `{url}` stands for the address."""
