"""What the application needs of a vendor that it plays."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
