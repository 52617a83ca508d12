"""What a step comes to: a closed set of values. `tasks.apply` writes them down, and nothing else does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from providers.base import ProviderRequest
from schemas.enums import ErrorCode, EventName, Stage
from storage.assets import NewAsset
from storage.transitions import NOTHING, Changes


class Counts(StrEnum):
    """What a try counts as; it decides when too many in a row end the generation."""

    SUCCESS = "success"
    """It went well: earlier failures are forgotten."""
    NOTHING = "nothing"
    """It was nobody's failure; earlier ones are kept."""
    FAILURE = "failure"
    """The other side failed."""
    CRASH = "crash"
    """We failed, in a way that nobody foresaw."""


@dataclass(frozen=True)
class Note:
    """An entry of the timeline beside a move."""

    name: EventName
    """What it tells of."""
    data: Mapping[str, object] = field(default_factory=dict)
    """No secrets and no prompts."""


@dataclass(frozen=True)
class File:
    """A file to store before the row names it."""

    key: str
    """Where it goes."""
    content: bytes = field(repr=False)
    """Its bytes."""
    content_type: str
    """As its first bytes tell it."""


@dataclass(frozen=True)
class Advance:
    """The generation moves to another stage; `completed` captures its credits.

    A move to `submitting` declares the intent to send, and one to `generating` tells that the vendor accepted.
    """

    stage: Stage
    """The next stage."""
    wait: float | None = None
    """Seconds until the next stage's first look; None: it can run at once."""
    event: Mapping[str, object] = field(default_factory=dict)
    """What the timeline tells of the move."""
    changes: Changes = NOTHING
    """Further columns to set."""
    assets: Sequence[NewAsset] = ()
    """Rows to insert with the move."""
    notes: Sequence[Note] = ()
    """Further entries of the timeline."""
    file: File | None = None
    """A file to store first."""
    carries: ProviderRequest | bytes | None = field(default=None, repr=False)
    """What the next step is given if this worker goes on with it."""


@dataclass(frozen=True)
class Later:
    """The same stage again."""

    seconds: float
    """The pause before that."""
    counts: Counts = Counts.NOTHING
    """What this try counts as."""
    changes: Changes = NOTHING
    """Further columns to set."""


@dataclass(frozen=True)
class Fail:
    """The end without a result: the credits are released."""

    code: ErrorCode
    """Why, for programs."""
    message: str
    """Why, for the customer."""


@dataclass(frozen=True)
class Cancel:
    """The end that the customer asked for."""

    reason: str
    """What ended it, for the timeline."""
    is_charged: bool = False
    """The provider bills what it stopped: the credits are captured."""


@dataclass(frozen=True)
class CancelSent:
    """The provider was asked to stop and has answered: that is written down first, and then the step is taken again."""

    answer: Note
    """What it said."""


@dataclass(frozen=True)
class Unknown:
    """A create left and nobody knows what became of it. The grace period begins now: the create itself may have taken
    longer."""

    reason: str
    """How it was lost, for the timeline."""


@dataclass(frozen=True)
class NotAccepted:
    """The vendor does not have the create. If the lease is lost, at least that fact is written down."""

    then: Advance | Fail | None = None
    """What follows; None: the create was kept here, and the generation is queued again whoever holds it."""


@dataclass(frozen=True)
class UnlessCalledBack:
    """An end of the waiting for a callback, which a callback that came meanwhile prevents."""

    then: Advance | Fail | Cancel
    """What follows where none came."""


Outcome = Advance | Later | Fail | Cancel | CancelSent | Unknown | NotAccepted | UnlessCalledBack
