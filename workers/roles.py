"""Which queues a worker process serves, and with how many threads."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.enums import Queue


class Role(StrEnum):
    """A kind of worker process."""

    PROVIDER = "provider"
    TRANSFER = "transfer"
    MEDIA = "media"
    CONTROL = "control"
    REQUESTS = "requests"


@dataclass(frozen=True)
class RoleDefinition:
    """What a role serves. `threads` is the default; queues stay apart by what their work waits for."""

    queues: tuple[Queue, ...]
    threads: int


ROLES: dict[Role, RoleDefinition] = {
    # Waits for vendors. One httpx client serves up to 32 threads; beyond that, add processes.
    Role.PROVIDER: RoleDefinition((Queue.SUBMIT, Queue.POLL), threads=16),
    # Waits for bytes, and for the deletion of many.
    Role.TRANSFER: RoleDefinition((Queue.DOWNLOAD, Queue.SWEEP), threads=8),
    # Computes.
    Role.MEDIA: RoleDefinition((Queue.STORE,), threads=2),
    # Waits for nobody but our own database, so that nothing slow ever delays the waker or a settlement.
    Role.CONTROL: RoleDefinition((Queue.CONTROL, Queue.SETTLE), threads=4),
    # The Redis door: a malformed message of a stranger may end this process, and only this one.
    Role.REQUESTS: RoleDefinition((Queue.REQUESTS,), threads=4),
}
