"""The roles of worker processes: their queues and numbers of threads."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from schemas.enums import Door, Queue


class Role(StrEnum):
    """A kind of worker process."""

    PROVIDER = "provider"
    TRANSFER = "transfer"
    MEDIA = "media"
    CONTROL = "control"
    REQUESTS = "requests"
    NOTIFY = "notify"


@dataclass(frozen=True)
class RoleDefinition:
    """The queues and threads of a role. Queues with different bottlenecks have different roles."""

    queues: tuple[Queue, ...]
    """The queues that the role serves."""
    threads: int
    """The default number of threads of a process."""
    is_celery: bool = True
    """Whether the process is a Celery worker. Another process shows itself as one (`workers.presence`)."""


ROLES: dict[Role, RoleDefinition] = {
    # Waits for vendors. An httpx client serves up to 32 threads. Add processes beyond 32. One account has all threads
    # but two, here and in the next role (`tasks.threads`).
    Role.PROVIDER: RoleDefinition((Queue.SUBMIT, Queue.POLL), threads=18),
    # Waits for downloads, and for the deletion of many objects.
    Role.TRANSFER: RoleDefinition((Queue.DOWNLOAD, Queue.SWEEP), threads=10),
    # Uses the CPU. One customer's files take at most two of the decoder's three places. Variants take one thread
    # (`variants.at_once`), so results never wait behind them.
    Role.MEDIA: RoleDefinition((Queue.STORE, Queue.VARIANTS), threads=3),
    # Waits only for the database, so slow work never delays the waker or a settlement.
    Role.CONTROL: RoleDefinition((Queue.CONTROL, Queue.SETTLE), threads=4),
    # The Redis door. It takes messages itself, and loses none with its process.
    Role.REQUESTS: RoleDefinition((Queue.REQUESTS,), threads=4, is_celery=False),
    # Tells others of events. Its work waits in the database, so no queue leads here. One event loop: no threads.
    Role.NOTIFY: RoleDefinition((), threads=1, is_celery=False),
}


def role_of(node: str) -> Role | None:
    """The role of a Celery node, such as `provider2@host`. None if the node has another name."""
    name = node.partition("@")[0].rstrip("0123456789")
    return Role(name) if name in set(Role) else None


def variants_problem(at_once: int, threads: int) -> str | None:
    """Why a process with these threads cannot make so many variants at one time. None: it can.

    A process with one thread makes one variant at a time.
    """
    if at_once == 1 or at_once < threads:
        return None
    return (
        f"REELWORKS_VARIANTS__AT_ONCE is {at_once}, and the media worker has {threads} threads: variants would hold "
        f"all of them for minutes, and no result would be stored. At most {max(1, threads - 1)}, or more --threads"
    )


def open_roles(doors_off: Collection[Door]) -> list[Role]:
    """The roles that a system needs. Without the Redis door, no worker takes requests."""
    return [role for role in Role if role is not Role.REQUESTS or Door.REDIS not in doors_off]
