"""Labels of metrics. Each label has a closed set of values; every other value is shown as `other`.

So no customer, prompt or vendor can make new series: the number of series has a bound.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from schemas.causes import Cause
from schemas.enums import Door, FoundBy, Kind, Queue, Stage
from schemas.limits import AccountHealth, HeldBy, Place
from schemas.names import is_twin
from schemas.stages import TERMINAL
from schemas.variants import VariantKind
from schemas.webhooks import DeliveryState

OTHER: Final = "other"
"""The value that stands for all values outside the set of a label."""

TEST: Final = "test"
"""The value that stands for all accounts at the sandbox."""


class Label:
    """A label, and its closed set of values."""

    def __init__(self, name: str, values: Iterable[str] = (), *, most: int | None = None) -> None:
        """Describe a label.

        Args:
            name: the name in series.
            values: the known values.
            most: the most values that a process may learn at its start. None: no value is learned.
        """
        self.name = name
        self._values = frozenset(map(str, values))
        self._most = most

    def learn(self, values: Iterable[str]) -> None:
        """Add values at the start of a process. Values beyond the bound of the label are shown as `other`."""
        if self._most is None:
            raise ValueError(f"the values of {self.name} are fixed")
        self._values = frozenset(sorted(self._values.union(values))[: self._most])

    def shown(self, value: str) -> str:
        """The value that stands in series."""
        return str(value) if value in self._values else OTHER

    @property
    def fixed(self) -> frozenset[str]:
        """The values, if the code decides them. Empty, if a process learns them."""
        return self._values if self._most is None else frozenset()

    @property
    def most_values(self) -> int:
        """The most values that series have, with `other`."""
        return (len(self._values) if self._most is None else self._most) + 1


class _Accounts(Label):
    """The provider accounts. The twins at the sandbox are one value: they stand for no vendor."""

    def shown(self, value: str) -> str:
        """The value that stands in series."""
        return TEST if is_twin(value) else super().shown(value)

    @property
    def most_values(self) -> int:
        """The most values that series have, with `test` and `other`."""
        return super().most_values + 1


class Answered(StrEnum):
    """How a call to a provider was answered."""

    SUCCESS = "success"
    """2xx."""
    TOO_MANY = "too_many"
    """429."""
    REFUSED = "refused"
    """Any other 4xx."""
    ERROR = "error"
    """5xx, or another status."""
    NO_ANSWER = "no_answer"
    """No connection, no answer in time, or an answer that is too large."""
    NOT_SENT = "not_sent"
    """The worker had lost its lease, and sent nothing."""


class VariantOutcome(StrEnum):
    """How a try to make a variant ended."""

    READY = "ready"
    """The variant is stored."""
    FAILED = "failed"
    """The variant will not be made."""
    PUT_OFF = "put_off"
    """Another try follows."""
    LOST = "lost"
    """Another worker has the variant, or it was deleted."""
    INTERRUPTED = "interrupted"
    """The end of the try could not be written. Another try follows."""


class CallbackVerdict(StrEnum):
    """The effect of a callback at the gateway."""

    WAKES = "wakes"
    """A worker reads the provider now."""
    KEPT = "kept"
    """Stored without a wake-up: a repetition, a late callback, or a worker holds the generation now."""
    UNKNOWN_WORK = "unknown_work"
    """About work that is not ours."""
    REFUSED = "refused"
    """The signature is wrong, or the body is no callback."""
    WRONG_TOKEN = "wrong_token"  # noqa: S105 -- a word for a verdict
    """The URL was not handed out here."""
    UNVERIFIED = "unverified"
    """No key checks the signature."""


class CallKind(StrEnum):
    """A kind of call to a provider."""

    CREATE = "create"
    """The vendor bills the call."""
    READ = "read"
    """Every other call."""


class Fence(StrEnum):
    """What a fence stopped."""

    WRITE = "write"
    """The database refused a write without a valid lease."""
    CREATE = "create"
    """A create did not leave, because the lease had ended."""


class Asked(StrEnum):
    """The answer to an ask for a place at an account."""

    GRANTED = "granted"
    WAITS = "waits"


_OUTCOMES = (
    *("advance", "later", "fail", "cancel", "cancel_sent", "unknown"),
    *("not_accepted", "unless_called_back", "waits", "takes_route", "interrupted", "crashed", "lease_lost"),
)
_CODES = (200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, *range(400, 406), 408, 409, 410, 411, 412, 413, 415,
          416, 422, 425, 428, 429, 431, 499, 500, 501, 502, 503, 504)  # fmt: skip

PROVIDER = _Accounts("provider", most=16)
"""A provider account; `test`: an account at the sandbox, for the orders of test keys."""
MODEL = Label("model", most=110)
"""Our name of a model."""
ROUTE = Label("route", most=160)
"""The method and the template of a route: `GET /v1/generations/{generation_id}`."""
STAGE = Label("stage", [stage for stage in Stage if stage not in TERMINAL])
"""An unfinished stage."""
STATUS = Label("status", TERMINAL)
"""How a generation ended."""
CAUSE = Label("cause", ["none", *Cause])
"""Why a generation ended without a result; `none` with a result."""
KIND = Label("kind", Kind)
VARIANT = Label("variant", VariantKind)
MAKING = Label("outcome", VariantOutcome)
"""Image or video."""
QUEUE = Label("queue", Queue)
"""A Celery queue."""
FOUND_BY = Label("found_by", FoundBy)
"""The reason for the read that found the end at the provider."""
STATE = Label("state", AccountHealth)
"""Whether an account takes work."""
PLACE = Label("place", Place)
"""Where a generation stands at its account."""
HELD_BY = Label("held_by", HeldBy)
"""Why a generation is out of the queue of its account."""
OUTCOME = Label("outcome", _OUTCOMES)
"""The outcome of a step."""
CALL = Label("call", CallKind)
"""The kind of a call to a provider."""
ANSWER = Label("answer", Answered)
"""How a call was answered."""
VERDICT = Label("verdict", CallbackVerdict)
"""The effect of a callback."""
FENCE = Label("fence", Fence)
"""What a fence stopped."""
RESULT = Label("result", DeliveryState)
"""The result of a try to send a webhook; `pending`: it is tried again."""
ASKED = Label("asked", Asked)
"""The answer to an ask for a place."""
SENDER = Label("sender", ("stage", "waker"))
"""Who sent wake-ups: the process that made a stage runnable, or the waker."""
CODE_CLASS = Label("answer", ("1xx", "2xx", "3xx", "4xx", "5xx", "none"))
"""The class of an HTTP status; `none`: the client left before the answer."""
CODE = Label("code", map(str, _CODES))
"""An HTTP status."""
DOOR = Label("door", [*Door, "health", "callbacks", "inputs"])
"""The part of the gateway that served a request: the first tag of the route."""
SERVED = Label("served", ("served", "refused", "dead"))
"""How the Redis door dealt with a message."""
