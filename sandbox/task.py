"""An accepted generation task: its request, its state and its result."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from secrets import token_hex
from typing import Protocol

from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.scenarios import Scenario
from sandbox.slots import Slots

JsonObject = dict[str, JsonValue]

# Parts of the generation time.
_QUEUES = 0.1
_BEGINS = 0.25


def new_task_id() -> str:
    """A unique task id."""
    return token_hex(16)


class State(StrEnum):
    """The state of a task. Each vendor's package translates it into the vendor's own word."""

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"
    CANCELLED = "cancelled"


class Seal(StrEnum):
    """The kind of a callback's signature."""

    TRUE = "true"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class CallbackAttempt:
    """An attempt to send a callback."""

    kind: str
    """`normal`, `forged`, or `manual` (requested through the control API)."""
    attempt: int
    """The number of the attempt, from 1."""
    at: float
    """The time of the attempt, Unix seconds."""
    status: int | None
    """The receiver's HTTP status. None without an answer."""
    error: str | None = None
    """The reason for a missing status."""


class CallbackWriter(Protocol):
    """Writes the callbacks of a vendor."""

    tells_progress: bool
    """Whether the vendor also calls back when the work begins. All vendors call back at the end."""

    def body(self, task: "Task") -> JsonObject:
        """The vendor's callback for the task's present state."""

    def forged_body(self, task: "Task") -> JsonObject:
        """A false claim of success."""

    def headers(self, task: "Task", content: bytes, seal: Seal) -> Mapping[str, str]:
        """The signature headers for a callback with this content that is sent now."""


@dataclass(kw_only=True, eq=False)
class Task:
    """A task of any vendor. Only the engine changes its state."""

    id: str
    """The vendor's id of the task."""
    model: str
    """The vendor's name of the model."""
    prompt: str
    """The prompt of the create."""
    request: JsonObject
    """The body of the create request."""
    call_back_url: str | None
    """The URL of the callback's receiver."""
    spec: MediaSpec
    """The file that the task delivers."""
    source: SourceImage | None
    """The first input image."""
    credits: float
    """The price that the vendor charged."""
    seconds: float
    """The generation time."""
    scenario: Scenario
    """The scenario that matched the create."""
    writer: CallbackWriter
    """Writes the vendor's callbacks for this task."""
    external_id: str | None = None
    """The customer's own id of the task, for vendors that keep one."""

    slots: Slots | None = None
    """The account's slots for running tasks. None: the vendor runs every task at once."""
    begun_at: float | None = None
    """The time at which a task with slots got its slot, Unix seconds."""

    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to end the work before its time."""

    created_at: float = field(default_factory=time.time)
    """Unix seconds."""
    completed_at: float | None = None
    """Unix seconds. None while the task is open."""
    ended: State | None = None
    """The final state. None while the task is open."""
    results: tuple[str, ...] = ()
    """The names of the files that the task made."""
    fail_code: str | None = None
    """The vendor's error code of a failed task."""
    fail_msg: str | None = None
    """The vendor's error text of a failed task."""

    polls: int = 0
    """The number of status reads."""
    polled_at: float | None = None
    """The time of the newest status read, Unix seconds."""
    cancels: int = 0
    """The number of cancel requests."""
    downloads: int = 0
    """The number of downloads of the results."""
    callbacks: list[CallbackAttempt] = field(default_factory=list)
    """The callback attempts, oldest first."""

    @property
    def file_name(self) -> str:
        """The name of the file that the task makes."""
        return f"{self.id}.{self.spec.format}"

    @property
    def begins_at(self) -> float:
        """The time at which the vendor begins the work, Unix seconds. With slots: at the earliest, until it begins."""
        return self.begun_at or self.created_at + _BEGINS * self.seconds

    @property
    def ends_at(self) -> float:
        """The time at which the work is done, Unix seconds."""
        return self.begins_at + (1 - _BEGINS) * self.seconds

    @property
    def state(self) -> State:
        """The present state: `waiting` for a tenth of the time, `queuing` up to a quarter, then `generating`.

        A task that has no slot yet is `waiting`.
        """
        if self.ended is not None:
            return self.ended
        now = time.time()
        if now < self.created_at + _QUEUES * self.seconds:
            return State.WAITING
        if now < self.begins_at:
            return State.QUEUING
        return State.WAITING if self.slots is not None and self.begun_at is None else State.GENERATING

    def count_read(self) -> int:
        """Record a status read. Returns the number of reads so far."""
        self.polls += 1
        self.polled_at = time.time()
        return self.polls

    def succeed(self, results: tuple[str, ...]) -> None:
        """End the task with these files."""
        self.ended, self.results, self.completed_at = State.SUCCESS, results, time.time()

    def fail(self, code: str, msg: str) -> None:
        """End the task without a result."""
        self.ended, self.fail_code, self.fail_msg, self.completed_at = State.FAIL, code, msg, time.time()

    def cancel(self) -> None:
        """End the task because its customer cancelled it."""
        self.ended, self.completed_at = State.CANCELLED, time.time()
