"""The limits of a provider account, as data: what the vendor takes at once, and how fast."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

WHOLE_ACCOUNT = ""
"""The pool of the models that belong to no family."""


class CreateRate(BaseModel):
    """The most creates within a sliding window of time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: int = Field(ge=1)
    """The creates."""
    seconds: float = Field(gt=0, le=31 * 86_400)
    """The length of the window."""


class Limits(BaseModel):
    """What may be at a vendor. A limit that is left out does not exist."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_flight: int | None = Field(default=None, ge=0, description="generations at the vendor at the same time")
    creates: list[CreateRate] = Field(default=[], description="all of these windows hold")


class FamilyLimits(Limits):
    """The limits of some models of an account, beside those of the account."""

    models: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1, description="the vendor's names of the models; `*` stands for any characters"
    )


class AccountLimits(Limits):
    """The limits of an account, and of families of its models."""

    reserve: int = Field(
        default=0, ge=0, description="places in flight that only orders of high priority with the scope get"
    )
    families: dict[str, FamilyLimits] = Field(default={}, description="further limits, by a name for people")

    def pool_of(self, vendor_model: str) -> str:
        """The family of a model, or `WHOLE_ACCOUNT`. The first family that names the model counts."""
        for name, family in self.families.items():
            if any(fnmatchcase(vendor_model, pattern) for pattern in family.models):
                return name
        return WHOLE_ACCOUNT

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit at all."""
        return self.in_flight is None and not self.creates and not self.families


class Priority(IntEnum):
    """How urgent an order is, among the orders of the same customer."""

    LOW = 0
    """Takes what is idle: waits until no other work waits for the account, but not for ever."""
    NORMAL = 1
    """The usual order."""
    HIGH = 2
    """Before the customer's other work. With the scope: also in the account's reserve."""

    @property
    def word(self) -> "PriorityWord":
        """The word for it in requests and answers."""
        return _WORDS[self]

    @classmethod
    def of(cls, word: "PriorityWord") -> Self:
        """The priority of a word."""
        return cls[word.upper()]


PriorityWord = Literal["low", "normal", "high"]
"""A priority in requests and answers."""

_WORDS: Mapping[Priority, PriorityWord] = {Priority.LOW: "low", Priority.NORMAL: "normal", Priority.HIGH: "high"}


class RemoteWait(StrEnum):
    """What the vendor last said about accepted work that has not ended."""

    QUEUED = "queued"
    """In the vendor's own queue."""
    THROTTLED = "throttled"
    """The vendor has it, and does not begin: our account runs as much as it may."""
    RUNNING = "running"
    """The vendor works on it."""


class Place(StrEnum):
    """Where a generation stands before its provider account."""

    WAITING = "waiting"
    """In the queue of the account."""
    HELD = "held"
    """Out of the queue, because of a pause, a limit of the customer, or a route that is down."""
    GRANTED = "granted"
    """Has a place at the vendor."""
    IDLE = "idle"
    """Gave its place back before a create was accepted, and will ask again."""


class Refusal(StrEnum):
    """Why a vendor takes no create of our account now, although nothing is wrong with the order."""

    TOO_FAST = "too_fast"
    """We sent creates faster than the account allows."""
    TOO_MANY = "too_many"
    """The vendor works on as many of our generations at once as the account allows."""
    DAILY = "daily"
    """The account has used up its generations of the day."""
    NO_MONEY = "no_money"
    """The account has too few credits."""
    AWAY = "away"
    """The vendor is down, for maintenance for example, and has named the time of its return."""

    @property
    def in_words(self) -> str:
        """The refusal in words, for operators."""
        return _IN_WORDS[self]

    @property
    def lasts(self) -> bool:
        """Whether a short wait does not help: other routes are better."""
        return self in {Refusal.DAILY, Refusal.NO_MONEY}


_IN_WORDS = {
    Refusal.TOO_FAST: "creates came too fast",
    Refusal.TOO_MANY: "too much work at once",
    Refusal.DAILY: "the day's generations are used up",
    Refusal.NO_MONEY: "the account is out of money",
    Refusal.AWAY: "the vendor is down",
}


class AccountHealth(StrEnum):
    """Whether an account takes work now."""

    WORKS = "works"
    """The account takes work."""
    FAILING = "failing"
    """The circuit breaker of a route is open: the vendor does not answer, or answers with errors."""
    CLOSED = "closed"
    """The vendor takes nothing for a while: the account is out of money or of the day's generations, or was told to
    wait."""
    PAUSED = "paused"
    """An operator paused the account."""


class HeldBy(StrEnum):
    """Why a generation is out of the queue."""

    PAUSE = "pause"
    """An operator paused the model, the provider, the route or the customer."""
    CUSTOMER = "customer"
    """The customer has as many generations in flight as the customer's limit allows."""
    ROUTE = "route"
    """The route's circuit breaker is open."""
    BUSY = "busy"
    """Another transaction works on the generation at this moment."""


class PauseScope(StrEnum):
    """The kinds of things that an operator can pause."""

    MODEL = "model"
    """A model, by our name. At every account."""
    PROVIDER = "provider"
    """An account."""
    ROUTE = "route"
    """A model at an account: `account/vendor's name of the model`."""
    CUSTOMER = "customer"
    """A customer, by our id."""


class Action(StrEnum):
    """The changes that an operator can make."""

    SET = "set"
    """Limits of an account in place of the declared ones."""
    RESET = "reset"
    """Back to the declared limits."""
    PAUSE = "pause"
    """New generations of a model, an account, a route or a customer wait."""
    RESUME = "resume"
    """The end of a pause."""
    RETRY = "retry"
    """Generations of a selection were looked at now, or ordered again."""
    FAIL = "fail"
    """Generations of a selection failed."""
    CANCEL = "cancel"
    """Generations of a selection were cancelled."""
    REFUND = "refund"
    """The credits of a selection of generations went back."""
    REDELIVER = "redeliver"
    """Messages about a selection of generations were sent once more."""
    REPLAY = "replay"
    """Stored callbacks of a selection of generations counted as if they came now."""
    RESTORE = "restore"
    """The database was restored from a backup."""
    DRAIN = "drain"
    """Worker processes take no new work."""
    UNDRAIN = "undrain"
    """The end of a drain."""
    ROTATE = "rotate"
    """A new secret key was made."""
    VIEW = "view"
    """Support began to view a customer on the Studio page."""
    SEE = "see"
    """A view of a customer showed a kind of their data for the first time."""
