"""Starts the system that scenarios measure: real services, real processes, and the sandbox as vendor."""

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from bench.scenario import RunContext
from bench.subjects.protocols import Door
from sandbox.client import SandboxClient
from schemas.enums import DEFAULT_SCOPES, Scope
from schemas.settings import Settings
from stack.processes import Processes, application_processes
from stack.stack import Stack
from stack.wiring import without_limits
from storage import customers, ledger
from storage.api_keys import Terms
from storage.database import Database

_CREDITS = 10**12

SERVICES = ("postgres", "redis", "s3")
SANDBOX = "sandbox"


@dataclass(frozen=True)
class RunningStack:
    """A running stack with a customer who has plenty of credits."""

    stack: Stack
    """The stack."""
    database: Database
    """The stack's database."""
    sandbox: SandboxClient
    """Controls the stack's sandbox."""
    customer_id: UUID
    """The customer's id."""
    api_key: str
    """The customer's API key."""

    @property
    def door(self) -> Door:
        """The HTTP door for an image."""
        return image_door(self.stack, self.api_key)


@contextmanager
def running_stack(
    context: RunContext,
    *,
    only: Collection[str] | None = None,
    settings: Settings | None = None,
    durable: bool = True,
    limits: bool = False,
    processes: Processes = application_processes,
    extra_env: Mapping[str, str] | None = None,
) -> Iterator[RunningStack]:
    """Start services, processes and a sandbox. Everything ends with the block.

    Args:
        only: names of the processes to start; None starts all, an empty set only the services.
        settings: None takes the defaults and ignores the user's environment file.
        durable: PostgreSQL protects its data from power failures, as in production.
        limits: the accounts have the limits of the settings, and the sandbox has its vendors' limits. Otherwise
            nothing is limited.
        processes: lists the processes.
        extra_env: environment variables for all processes; they override the others.
    """
    folder = Path(tempfile.mkdtemp(prefix="stack-", dir=context.folder))
    settings = settings or Settings(_env_file=None)
    with ExitStack() as ends:
        ends.callback(_remove_data, folder)
        stack = Stack(
            folder,
            settings if limits else without_limits(settings),
            only=only,
            durable=durable,
            processes=processes,
            extra_env=extra_env,
        )
        with context.console.status("starting the system"):
            ends.enter_context(stack)
        database = Database(stack.settings.database_url)
        ends.callback(database.dispose)
        sandbox = ends.enter_context(SandboxClient(stack.sandbox_url))
        if SANDBOX in stack.parts and not limits:
            sandbox.lift_limits()
        customer_id, api_key = new_customer(database)
        yield RunningStack(stack, database, sandbox, customer_id, api_key)


def new_customer(database: Database) -> tuple[UUID, str]:
    """Create a customer with plenty of credits. Returns the id and an API key with every scope of customers."""
    with database.transaction() as session:
        customer = customers.create_customer(session, "bench")
        ledger.grant(session, customer.id, _CREDITS, reference=f"bench {customer.id}")
        return customer.id, customers.create_api_key(session, customer.id, Terms(scopes=(*DEFAULT_SCOPES, Scope.ADMIN)))


def image_door(stack: Stack, api_key: str) -> Door:
    """The HTTP door of a stack, with an order for an image."""
    return Door(
        url=f"{stack.gateway_url}/v1/generations",
        headers={"Authorization": f"Bearer {api_key}"},
        body={"model": "nano-banana", "prompt": "a lighthouse in fog"},
    )


def durability(database: Database) -> str:
    """PostgreSQL's settings for commits, as a note."""
    with database.transaction() as session:
        fsync, commit = (session.execute(text(f"SHOW {name}")).scalar_one() for name in ("fsync", "synchronous_commit"))
    return f"PostgreSQL: fsync is {fsync}, synchronous_commit is {commit}"


def process_ids(stack: Stack) -> dict[str, int]:
    """The process id of every started part: services, sandbox, application processes."""
    return {name: part.pid for name, part in stack.parts.items() if part.pid is not None}


def _remove_data(folder: Path) -> None:
    """Delete the services' data. The logs stay until the run ends."""
    for name in SERVICES:
        shutil.rmtree(folder / name, ignore_errors=True)
