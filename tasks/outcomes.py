"""The outcomes of a step: a closed set of values. Only `tasks.apply` writes outcomes to the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from providers.base import ProviderRequest
from schemas.enums import ErrorCode, EventName, FoundBy, Stage
from storage.admission_learning import Refused
from storage.assets import NewAsset
from storage.changes import NOTHING, Changes


class Counts(StrEnum):
    """How a try counts. Too many failures or crashes in a row end the generation."""

    SUCCESS = "success"
    """The try went well. The counts of failures and crashes return to zero."""
    NOTHING = "nothing"
    """The try changes no count: an outage, for example."""
    FAILURE = "failure"
    """The vendor failed."""
    CRASH = "crash"
    """Our code raised an unexpected error."""


@dataclass(frozen=True)
class Note:
    """A timeline entry that is written together with an outcome."""

    name: EventName
    """The kind of the entry."""
    data: Mapping[str, object] = field(default_factory=dict)
    """The entry's details. They contain no secrets and no prompts."""


@dataclass(frozen=True)
class File:
    """A file to store before the row names the file."""

    key: str
    """The key in the object store."""
    content: bytes = field(repr=False)
    """The bytes."""
    content_type: str
    """The media type that the first bytes show."""


@dataclass(frozen=True)
class Advance:
    """The generation moves to another stage. A move to `completed` captures the hold.

    A move to `submitting` declares the intent to send a create. A move to `generating` records that the vendor accepted
    the create.
    """

    stage: Stage
    """The next stage."""
    wait: float | None = None
    """Seconds until the next stage's first step. None: the step can run at once."""
    event: Mapping[str, object] = field(default_factory=dict)
    """The details of the move's timeline entry."""
    changes: Changes = NOTHING
    """Other columns to set."""
    assets: Sequence[NewAsset] = ()
    """Asset rows to insert with the move."""
    notes: Sequence[Note] = ()
    """Other timeline entries to write with the move."""
    file: File | None = None
    """A file to store before the move is written."""
    carries: ProviderRequest | bytes | None = field(default=None, repr=False)
    """The argument of the next step, if the same worker runs that step."""
    found_by: FoundBy | None = None
    """The reason for the read that found the end of the provider's work. None: no read found an end."""
    leaves_run: str | None = None
    """The id of a run that may go on at its server of our own, and is stopped later (`tasks.stop_runs`)."""


@dataclass(frozen=True)
class Later:
    """The stage's step runs again after a pause."""

    seconds: float
    """The pause."""
    counts: Counts = Counts.NOTHING
    """How this try counts."""
    changes: Changes = NOTHING
    """Other columns to set."""
    once: Note | None = None
    """A timeline entry to write unless the generation has an entry of that name."""
    reason: str | None = None
    """The cause of a failed try, for the timeline. None: the try did not fail. Holds no secrets and no prompts."""


@dataclass(frozen=True)
class Fail:
    """The generation fails. The hold is released."""

    code: ErrorCode
    """The reason for programs."""
    message: str
    """The reason for the customer."""
    found_by: FoundBy | None = None
    """The reason for the read that found the end of the provider's work. None: no read found an end."""
    leaves_run: str | None = None
    """The id of a run that may go on at its server of our own, and is stopped later (`tasks.stop_runs`)."""


@dataclass(frozen=True)
class Cancel:
    """The generation is cancelled, as the customer asked. The hold is captured or released."""

    reason: str
    """The reason for the timeline."""
    is_charged: bool = False
    """True if the provider bills stopped work: the hold is captured. False: the hold is released."""
    found_by: FoundBy | None = None
    """The reason for the read that found the end of the provider's work. None: no read found an end."""
    leaves_run: str | None = None
    """The id of a run that may go on at its server of our own, and is stopped later (`tasks.stop_runs`)."""


@dataclass(frozen=True)
class CancelSent:
    """The provider answered a request to stop. The answer is written first; then the same step runs again."""

    answer: Note
    """The timeline entry with the answer."""


@dataclass(frozen=True)
class Unknown:
    """A create left, and its result is unknown.

    The grace period begins when this outcome is written, because the create itself may take longer than the period.
    """

    reason: str
    """The cause for the timeline."""


@dataclass(frozen=True)
class NotAccepted:
    """The vendor did not accept the create. This fact is written even if the lease is lost."""

    then: Advance | Fail | None = None
    """The outcome that follows.

    None: the create never left. The generation is queued again, even if another worker has a claim by now.
    """
    refused: Refused | None = None
    """What the refusal says about our account. None: nothing."""


@dataclass(frozen=True)
class Waits:
    """The generation waits for a place at its provider account. The ask for the place has ended the claim."""


@dataclass(frozen=True)
class TakesRoute:
    """The generation takes another route before a create is prepared. Then the same step runs again."""

    index: int
    """The index of the route in the order's routes."""
    note: Note
    """The timeline entry with the reason."""


@dataclass(frozen=True)
class UnlessCalledBack:
    """The step gives up waiting for a callback. If a callback came in the meantime, nothing is given up."""

    then: Advance | Fail | Cancel
    """The outcome if no callback came."""


Outcome = Advance | Later | Fail | Cancel | CancelSent | Unknown | NotAccepted | UnlessCalledBack | Waits | TakesRoute
