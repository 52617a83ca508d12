"""One accepted generation task: what was asked, where it stands, and what became of it."""

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

JsonObject = dict[str, JsonValue]


def new_task_id() -> str:
    """An id that no other task has."""
    return token_hex(16)


class State(StrEnum):
    """Where a task stands. A vendor's module words it as the vendor does."""

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"
    CANCELLED = "cancelled"


class Seal(StrEnum):
    """How a callback is signed."""

    TRUE = "true"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True)
class CallbackAttempt:
    """One callback that was sent, or tried."""

    kind: str
    """normal, forged, or manual (asked for through the control API)."""
    attempt: int
    at: float
    """Unix seconds."""
    status: int | None
    """The receiver's HTTP status; None when it gave none."""
    error: str | None = None


class CallbackWriter(Protocol):
    """A vendor's way of writing callbacks."""

    tells_progress: bool
    """Whether the vendor calls back when the work begins, too, and not only at its end."""

    def body(self, task: "Task") -> JsonObject:
        """What the vendor sends about the task as it stands."""

    def forged_body(self, task: "Task") -> JsonObject:
        """A claim of success that the vendor never made."""

    def headers(self, task: "Task", content: bytes, seal: Seal) -> Mapping[str, str]:
        """The signature headers, for a callback with this content that is sent now."""


@dataclass(kw_only=True, eq=False)
class Task:
    """A task of any vendor. Only the engine moves it."""

    id: str
    model: str
    prompt: str
    request: JsonObject
    """The body of the create request."""
    call_back_url: str | None
    spec: MediaSpec
    source: SourceImage | None
    credits: float
    seconds: float
    """Generation time."""
    scenario: Scenario
    writer: CallbackWriter
    external_id: str | None = None
    """The customer's own id of it, at a vendor that keeps one."""

    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the work is to end before its time."""

    created_at: float = field(default_factory=time.time)
    completed_at: float | None = None
    ended: State | None = None
    results: tuple[str, ...] = ()
    """Names of the files that were made."""
    fail_code: str | None = None
    fail_msg: str | None = None

    polls: int = 0
    polled_at: float | None = None
    """When its state was read last, Unix seconds."""
    cancels: int = 0
    downloads: int = 0
    callbacks: list[CallbackAttempt] = field(default_factory=list)

    @property
    def file_name(self) -> str:
        """The name of the file that the task makes."""
        return f"{self.id}.{self.spec.format}"

    @property
    def begins_at(self) -> float:
        """When the vendor turns to it, Unix seconds."""
        return self.created_at + 0.25 * self.seconds

    @property
    def state(self) -> State:
        """The state at this moment: a tenth of the time waiting, then queuing, generating from a quarter on."""
        if self.ended is not None:
            return self.ended
        now = time.time()
        if now < self.created_at + 0.1 * self.seconds:
            return State.WAITING
        return State.QUEUING if now < self.begins_at else State.GENERATING

    def count_read(self) -> int:
        """Note that its state is read now; how many reads that makes."""
        self.polls += 1
        self.polled_at = time.time()
        return self.polls

    def succeed(self, results: tuple[str, ...]) -> None:
        """End with these files."""
        self.ended, self.results, self.completed_at = State.SUCCESS, results, time.time()

    def fail(self, code: str, msg: str) -> None:
        """End without a result."""
        self.ended, self.fail_code, self.fail_msg, self.completed_at = State.FAIL, code, msg, time.time()

    def cancel(self) -> None:
        """End because its customer asked for it."""
        self.ended, self.completed_at = State.CANCELLED, time.time()
