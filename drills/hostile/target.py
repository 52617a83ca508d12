"""The system under attack, and its honest customer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
from redis import Redis

from sandbox.client import SandboxClient
from schemas.settings import SandboxSettings, Settings
from stack.stack import Stack
from storage import customers, ledger
from storage.database import Database

_CREDITS = 10**6
_LONGEST_ORDER_SECONDS = 120.0
_UNLIMITED = 10**9


@dataclass(frozen=True)
class Account:
    """A customer with credits."""

    id: UUID
    """The customer."""
    key: str
    """An API key of the customer."""


@dataclass(frozen=True)
class Target:
    """A running system."""

    stack: Stack
    """The processes and services."""
    http: httpx.Client
    """A client of the gateway."""
    redis: Redis
    """Redis, as a service with the password reaches it."""
    good: Account
    """The honest customer."""
    evil: Account
    """A customer that attacks. Its key is valid."""

    @property
    def address(self) -> tuple[str, int]:
        """The gateway's host and port."""
        return self.http.base_url.host, self.http.base_url.port or 80

    def good_order(self) -> float:
        """The seconds from an honest order to its completion.

        Raises:
            TimeoutError: the order did not complete.
        """
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.good.key}"}
        body = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
        answer = self.http.post("/v1/generations", json=body, headers=headers).raise_for_status()
        path = f"/v1/generations/{answer.json()['id']}"
        while time.monotonic() - began < _LONGEST_ORDER_SECONDS:
            status = self.http.get(path, headers=headers).raise_for_status().json()["status"]
            if status == "completed":
                return time.monotonic() - began
            if status in {"failed", "cancelled"}:
                break
            time.sleep(0.02)
        raise TimeoutError("an honest order did not complete")


@contextmanager
def running(folder: Path) -> Iterator[Target]:
    """Start a system with the settings of production, apart from the vendors. Everything ends with the block."""
    settings = Settings(_env_file=None, sandbox=SandboxSettings(seconds_per_image=0.1, seconds_per_video=0.2))
    with ExitStack() as ends:
        stack = ends.enter_context(Stack(folder, settings))
        database = Database(stack.settings.database_url, pool_size=2)
        ends.callback(database.dispose)
        with SandboxClient(stack.sandbox_url) as sandbox:
            sandbox.set_limits(creates_per_10_seconds=_UNLIMITED, reads_per_second=_UNLIMITED)
        http = ends.enter_context(httpx.Client(base_url=stack.gateway_url, timeout=60, trust_env=False))
        redis = ends.enter_context(Redis.from_url(stack.settings.redis_url))
        yield Target(stack, http, redis, _account(database, "honest"), _account(database, "hostile"))


def _account(database: Database, name: str) -> Account:
    with database.transaction() as session:
        customer = customers.create_customer(session, name)
        key = customers.create_api_key(session, customer.id)
        ledger.grant(session, customer.id, _CREDITS, reference="hostile")
        return Account(customer.id, key)
