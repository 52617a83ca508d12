"""Levers: the operator's actions on a selection of generations, and the selection itself."""

from enum import StrEnum
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas.causes import Cause
from schemas.enums import ErrorCode, Kind, Stage, Status
from schemas.names import ProviderName
from schemas.stages import status_of
from schemas.text import name


class Lever(StrEnum):
    """An operator's action on generations."""

    RETRY = "retry"
    """An unfinished one is looked at now, without its back-off. A failed one is ordered again, as its customer may, and
    one whose create may be at the vendor only by name."""
    FAIL = "fail"
    """An unfinished one fails and costs nothing. Its provider is asked to stop."""
    CANCEL = "cancel"
    """As its customer may: a queued one ends now, and the provider of another one is asked to stop."""
    REFUND = "refund"
    """The captured credits go back to the customer."""
    REDELIVER = "redeliver"
    """The messages to endpoints that were given up are sent once more."""
    REPLAY = "replay"
    """The stored callback counts as if it came now: the provider is read once."""

    @property
    def rule(self) -> str:
        """What the lever acts on, and what it leaves alone."""
        return _RULES[self]


_RULES: Final = {
    Lever.RETRY: "unfinished ones, which are looked at now; and failed ones without a retry, which are ordered again "
    "at the price of today. Leaves `submit_outcome_unknown`, unless the selection names this `error_code` or the ids: "
    "the vendor may have the work, and bill both orders. An unfinished create of unknown outcome is looked for, and "
    "sent again only where its route says `resubmit`. Leaves completed and cancelled ones",
    Lever.FAIL: "unfinished ones before `settling`. A queued one ends now. Another one ends at its next look: the "
    "provider is asked to stop work whose id is known, the hold is released, and a result that comes later is ignored. "
    "A create on its way is stopped when its answer comes. The work may have cost us",
    Lever.CANCEL: "those that are queued, submitting or generating, and were not cancelled yet. A provider that bills "
    "stopped work is charged to the customer, as if the customer had cancelled; `fail` never charges",
    Lever.REFUND: "those whose credits were captured and not refunded: completed ones, and cancelled ones that the "
    "provider billed. Gives back all that is left",
    Lever.REDELIVER: "those with messages that were given up, to endpoints that are not paused",
    Lever.REPLAY: "those that wait for their provider and have a stored callback",
}

ENDED_BY_OPERATOR: Final = "the operator ended it; it cost nothing"
"""The error of a generation that the lever `fail` ended, for its customer."""

_MOST_IDS = 1_000
_MOST_VALUES = 100

_Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(name)]
_Texts = Annotated[list[_Text], Field(max_length=_MOST_VALUES)]


class Selection(BaseModel):
    """The generations that fulfil all of these conditions. Of the values of one condition, one must hold.

    Generations that their customers deleted are never selected.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"status": ["failed"], "provider": ["kie"], "error_code": ["timeout"]}]},
    )

    id: list[UUID] = Field(default=[], max_length=_MOST_IDS, description="their ids")
    customer_id: list[UUID] = Field(default=[], max_length=_MOST_VALUES, description="their customers, by our ids")
    batch_id: list[UUID] = Field(default=[], max_length=_MOST_VALUES, description="the batches that they belong to")
    kind: Kind | None = Field(default=None, description="images, or videos")
    model: _Texts = Field(default=[], description="our names of their models")
    provider: list[ProviderName] = Field(
        default=[], max_length=_MOST_VALUES, description="the accounts of their present routes"
    )
    route: _Texts = Field(default=[], description="their present routes: `account/vendor's name of the model`")
    stage: list[Stage] = Field(default=[], max_length=len(Stage), description="their stages")
    status: list[Status] = Field(default=[], max_length=len(Status), description="their statuses")
    error_code: list[ErrorCode] = Field(default=[], max_length=len(ErrorCode), description="why they failed")
    cause: list[Cause] = Field(default=[], max_length=len(Cause), description="why they ended without a result")
    accepted_after: AwareDatetime | None = Field(default=None, description="accepted at this time or later")
    accepted_before: AwareDatetime | None = Field(default=None, description="accepted before this time")
    failing: bool = Field(default=False, description="unfinished ones whose last try failed")
    all: bool = Field(default=False, description="every generation; stands alone")

    @model_validator(mode="after")
    def _selects(self) -> Self:
        conditions = self.model_dump(exclude_defaults=True, exclude={"all"})
        if self.all and conditions:
            raise ValueError("`all` stands alone: leave out the other conditions, or `all`")
        if not self.all and not (conditions.keys() - {"stage", "status"} or self.stages is not None):
            raise ValueError("selects everything: name a condition, or `all`")
        if self.accepted_after and self.accepted_before and self.accepted_after >= self.accepted_before:
            raise ValueError("`accepted_after` must be earlier than `accepted_before`")
        return self

    @property
    def stages(self) -> frozenset[Stage] | None:
        """The stages that fulfil the conditions of stage and status. None: every stage does."""
        named = frozenset(self.stage or Stage) & {one for one in Stage if status_of(one) in (self.status or Status)}
        return None if len(named) == len(Stage) else named

    @property
    def means_unknown_creates(self) -> bool:
        """Whether the selection names, by code or id, failed ones whose create may be at the vendor."""
        return bool(self.id) or ErrorCode.SUBMIT_OUTCOME_UNKNOWN in self.error_code

    @property
    def words(self) -> str:
        """The selection in one line, for the history of changes."""
        if self.all:
            return "all"
        given = self.model_dump(mode="json", exclude_defaults=True)
        told = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
        return " ".join(f"{name}={_shortened(values)}" for name, values in told.items())


_MOST_SHOWN = 5


def _shortened(values: list[object]) -> str:
    more = f" and {len(values) - _MOST_SHOWN} more" if len(values) > _MOST_SHOWN else ""
    return ",".join(map(_plain, values[:_MOST_SHOWN])) + more


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
