"""The system under attack, and its honest customer."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from redis import Redis

from drills.hostile.honest import complete_order
from drills.hostile.hosts import Hosts, running_hosts
from sandbox.client import SandboxClient
from schemas.admission_settings import AdmissionSettings
from schemas.setting_groups import SandboxSettings
from schemas.settings import Settings
from stack.http import shared_client
from stack.stack import Stack
from stack.wiring import without_limits
from storage import customers, ledger
from storage.database import Database

_CREDITS = 10**6


@dataclass(frozen=True)
class Account:
    """A customer with credits."""

    id: UUID
    """The customer."""
    key: str
    """An API key of the customer."""

    @property
    def headers(self) -> dict[str, str]:
        """The header that authenticates a request."""
        return {"X-API-Key": self.key}


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
    poor: Account
    """A customer without credits."""
    sandbox: SandboxClient
    """Controls the vendor of honest orders."""
    hosts: Hosts
    """The attacker's vendor and hosts of files."""

    @property
    def address(self) -> tuple[str, int]:
        """The gateway's host and port."""
        return self.http.base_url.host, self.http.base_url.port or 80

    def order(self, account: Account, **body: object) -> str:
        """Order for a customer. Returns the path of the generation.

        Raises:
            httpx.HTTPStatusError: the order was refused.
        """
        answer = self.http.post("/v1/generations", json=body, headers=account.headers).raise_for_status()
        return f"/v1/generations/{answer.json()['id']}"

    def see(self, account: Account, path: str) -> Any:
        """A resource of a customer's."""
        return self.http.get(path, headers=account.headers).raise_for_status().json()

    def good_order(self, **changes: object) -> float:
        """The seconds from an honest order to its completion. Infinite: the order did not complete.

        Args:
            changes: fields of the order beside the model and the prompt.
        """
        return complete_order(self.http, self.good.headers, **changes)


@contextmanager
def running(folder: Path) -> Iterator[Target]:
    """Start a system with the settings of production, apart from the vendors. Everything ends with the block.

    No circuit breaker opens: the orders of the next attack would wait, and never meet the attacker.
    """
    settings = Settings(
        _env_file=None,
        sandbox=SandboxSettings(seconds_per_image=0.1, seconds_per_video=0.2),
        admission=AdmissionSettings(breaker_failures=1_000_000),
    )
    with ExitStack() as ends:
        hosts = ends.enter_context(running_hosts())
        stack = ends.enter_context(Stack(folder, without_limits(settings), extra_env=hosts.environment()))
        sandbox = ends.enter_context(SandboxClient(stack.sandbox_url))
        sandbox.lift_limits()
        yield ends.enter_context(target_of(stack, sandbox, hosts))


@contextmanager
def target_of(stack: Stack, sandbox: SandboxClient, hosts: Hosts) -> Iterator[Target]:
    """The target in a running system, with three new customers."""
    with ExitStack() as ends:
        database = Database(stack.settings.database_url, pool_size=2)
        ends.callback(database.dispose)
        http = ends.enter_context(shared_client(stack.gateway_url, seconds=60))
        redis = ends.enter_context(Redis.from_url(stack.settings.redis_url))
        good, evil = _account(database, "honest"), _account(database, "hostile")
        poor = _account(database, "poor", credits_=0)
        yield Target(stack, http, redis, good, evil, poor, sandbox, hosts)


def _account(database: Database, name: str, *, credits_: int = _CREDITS) -> Account:
    with database.transaction() as session:
        customer = customers.create_customer(session, name)
        key = customers.create_api_key(session, customer.id)
        if credits_:
            ledger.grant(session, customer.id, credits_, reference="hostile")
        return Account(customer.id, key)
