"""The interface between the application and a vendor's package."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response

from sandbox.config import SandboxConfig


@dataclass(frozen=True)
class Vendor:
    """A vendor's wire: routes, the one account, and the answers to the vendor's errors."""

    router: APIRouter
    """The vendor's routes."""
    account: Callable[[SandboxConfig], object]
    """The class of the vendor's account. A reset creates a new account."""
    error: type[Exception]
    """The vendor's exception class."""
    answer_error: Callable[[Request, Any], Awaitable[Response]]
    """The exception handler of `error`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Settings that customers need besides key and address. `{url}` stands for the address."""
