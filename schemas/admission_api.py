"""The answers about limits, pauses and their changes, for the operator."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.limits import AccountLimits, Action, PauseScope
from schemas.lists import ListResource
from schemas.names import ProviderName
from schemas.text import OptionalProse

LONGEST_REASON = 500

_LIMITS: dict[str, JsonValue] = {"in_flight": 100, "creates": [{"most": 20, "seconds": 10}]}


class AccountUse(BaseModel):
    """The work at an account, or at a family of its models, at one moment."""

    in_flight: int = Field(description="generations that have a place at the vendor")
    waiting: int = Field(description="generations in the queue of the account")
    in_windows: list[int] = Field(description="creates in each window of `creates`, in its order")


class AccountState(BaseModel):
    """A provider account at one moment: its limits, and the work that is there or waits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "account_limits",
                    "account": "kie",
                    "limits": _LIMITS,
                    "declared": _LIMITS,
                    "override": None,
                    "learned_in_flight": None,
                    "rate_factor": 1.0,
                    "closed_until": None,
                    "closed_reason": None,
                    "use": {"in_flight": 97, "waiting": 412, "in_windows": [20]},
                    "families": {},
                    "held": {"pause": 3},
                    "at_vendor": {"queued": 12, "running": 85},
                    "oldest_waits_seconds": 84.2,
                }
            ]
        }
    )

    object: Literal["account_limits"] = "account_limits"
    """The type of this resource."""
    account: ProviderName
    """The account."""
    limits: AccountLimits = Field(description="the limits in force now")
    declared: AccountLimits = Field(description="the limits of the settings, or else those that the vendor documents")
    override: AccountLimits | None = Field(description="the operator's limits in place of the declared; null: none")
    learned_in_flight: float | None = Field(
        description="the places that the account has since the vendor refused one for being too many, growing with the "
        "time; null: no refusal within the last hour"
    )
    rate_factor: float = Field(
        description="the part of the configured rate that refusals for being too fast have left, growing with the time"
    )
    closed_until: datetime | None = Field(description="nothing goes to the account before; null: the account is open")
    closed_reason: str | None = Field(
        description="the vendor's refusal: `too_fast`, `too_many`, `daily`, `no_money` or `away`. `daily` and "
        "`no_money` stay until the vendor accepts a create"
    )
    use: AccountUse
    """The work of the whole account."""
    families: dict[str, AccountUse] = Field(description="the work of each family of models that has any")
    held: dict[str, int] = Field(
        description="generations out of the queue, by the reason: `pause`, `customer`, `route`, `busy`"
    )
    at_vendor: dict[str, int] = Field(
        description="generations in flight by the vendor's last word: `queued` in its own queue, `throttled` by the "
        "limit of the account, `running`. Others have not been read yet"
    )
    oldest_waits_seconds: float | None = Field(
        description="since the oldest generation in the queue asked; null: none waits"
    )

    @property
    def used(self) -> float | None:
        """The used part of the tightest limit of the whole account. None: the account has no limits."""
        parts = [used / rate.most for used, rate in zip(self.use.in_windows, self.limits.creates, strict=True)]
        if self.limits.in_flight is not None:
            parts.append(self.use.in_flight / self.limits.in_flight if self.limits.in_flight else 1.0)
        return max(parts, default=None)

    @property
    def is_of_interest(self) -> bool:
        """Whether the account has limits, is closed, or generations wait for it."""
        return bool(not self.limits.is_unlimited or self.closed_until or self.use.waiting or self.held)


class AccountStates(BaseModel):
    """Every provider account."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[AccountState]
    """The accounts, by name."""


class LimitsRequest(BaseModel):
    """New limits of an account, in place of the declared ones."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"limits": _LIMITS, "reason": "the vendor raised our plan"}]},
    )

    limits: AccountLimits = Field(description="all limits; one that is left out does not exist")
    reason: OptionalProse = Field(default=None, description="why, for people", min_length=1, max_length=LONGEST_REASON)


class PauseRequest(BaseModel):
    """A pause."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"reason": "the vendor's results are black since noon"}]},
    )

    reason: OptionalProse = Field(default=None, description="why, for people", min_length=1, max_length=LONGEST_REASON)


class PauseResource(BaseModel):
    """A model, account, route or customer whose new generations wait."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "pause",
                    "scope": "route",
                    "name": "kie/google/nano-banana",
                    "reason": "the vendor's results are black since noon",
                    "paused_at": "2026-11-29T12:00:00Z",
                }
            ]
        },
    )

    object: Literal["pause"] = "pause"
    """The type of this resource."""
    scope: PauseScope
    """The kind of the paused thing."""
    name: str = Field(description="the model, the account, `account/vendor's name of the model`, or the customer's id")
    reason: str | None
    """Why, for people."""
    paused_at: datetime
    """Since when."""


class Pauses(BaseModel):
    """Every pause."""

    object: Literal["list"] = "list"
    """The type of this resource."""
    data: list[PauseResource]
    """The pauses, the newest first."""


class ChangeResource(BaseModel):
    """A change of limits or of a pause, or a run of a lever."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "limit_change",
                    "id": "1f0b6a52-6a0f-4b8e-8d6b-0d8a3f0a7c11",
                    "created_at": "2026-11-29T12:00:00Z",
                    "author": "key rw_Ab3dE",
                    "action": "set",
                    "scope": "limits",
                    "name": "kie",
                    "reason": "the vendor raised our plan",
                    "before": None,
                    "after": _LIMITS,
                }
            ]
        },
    )

    object: Literal["limit_change"] = "limit_change"
    """The type of this resource."""
    id: UUID
    """The id of the change."""
    created_at: datetime
    """The time of the change."""
    author: str = Field(description="the key of an operator, by its first characters, or the user of a command")
    action: str = Field(description=f"the change: {', '.join(f'`{one}`' for one in Action)}, or one of a later release")
    scope: str = Field(
        description="`limits` of an account, `customer_limits`, what was paused or resumed, or `generations`"
    )
    name: str
    """The account, the name of the pause, or the selection of a lever in one line."""
    reason: str | None
    """Why, for people."""
    before: dict[str, JsonValue] | None = Field(
        description="the operator's limits, or the pause, before the change; the selection of a lever and its count; "
        "null: there was none"
    )
    after: dict[str, JsonValue] | None = Field(
        description="the operator's limits, or the pause, after the change; the effects of a lever so far; null: there "
        "is none"
    )


class ChangeList(ListResource[ChangeResource]):
    """One page of changes."""
