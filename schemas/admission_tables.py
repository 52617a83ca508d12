"""The tables of admission: which generation has a place at a provider account, and which one is next.

`storage/migrations/versions/0021_admission.py`, `0028_rest_of_admission.py`, `0036_costs_of_work.py` and
`0037_windows_in_steps.py` have the functions that decide.
"""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Identity, Index, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from schemas.columns import MOMENT, created_at, words
from schemas.limits import HeldBy, Place, Refusal
from schemas.names import ProviderName
from schemas.quotas import OnLimit

_WAITS: Final = "place = 'waiting'"


class Admission(SQLModel, table=True):
    """A generation that asked for a place at a provider account.

    A trigger of `generations` deletes the row in the transaction that learns the end at the provider, and makes the
    row idle where the generation is queued again. So a place cannot leak.
    """

    __tablename__: ClassVar[str] = "admissions"
    __table_args__ = (
        # The work that waits, in about the order in which it goes.
        Index("ix_admissions_waiting", "provider", "pool", "lane", "turn", postgresql_where=text(_WAITS)),
        Index(
            "ix_admissions_reserve",
            "provider",
            "pool",
            "lane",
            "customer_id",
            postgresql_where=text(f"{_WAITS} AND may_use_reserve"),
        ),
        # The next work of a customer.
        Index(
            "ix_admissions_of_customer",
            "provider",
            "pool",
            "lane",
            "customer_id",
            text("priority DESC"),
            "flow_turn",
            "asked_at",
            postgresql_where=text(_WAITS),
        ),
        Index(
            "ix_admissions_queued_of_customer",
            "customer_id",
            "provider",
            postgresql_where=text("place IN ('waiting', 'held')"),
        ),
        # Low priority that has waited for long.
        Index("ix_admissions_low", "asked_at", postgresql_where=text(f"{_WAITS} AND lane = 1")),
        # What is in flight.
        Index("ix_admissions_granted", "provider", "pool", postgresql_where=text("place = 'granted'")),
        Index("ix_admissions_granted_customer", "customer_id", postgresql_where=text("place = 'granted'")),
        Index(
            "ix_admissions_granted_key",
            "key_id",
            postgresql_where=text("place = 'granted' AND key_id IS NOT NULL"),
        ),
        # What can take another route while its own is open.
        Index(
            "ix_admissions_moves",
            "provider",
            "vendor_model",
            "customer_id",
            text("priority DESC"),
            "flow_turn",
            postgresql_where=text("place = 'waiting' OR (place = 'held' AND held_by = 'route')"),
        ),
        Index(
            "ix_admissions_held",
            "held_by",
            "provider",
            "customer_id",
            "vendor_model",
            "flow",
            text("priority DESC"),
            "flow_turn",
            postgresql_where=text("place = 'held'"),
        ),
    )

    generation_id: UUID = Field(primary_key=True, foreign_key="generations.id")
    """The generation."""
    provider: ProviderName = Field(sa_type=String(64))
    """The account."""
    pool: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    """The family of models. Empty: the account as a whole."""
    customer_id: UUID
    """The customer."""
    model: str = Field(sa_type=Text)
    """Our name of the model."""
    vendor_model: str = Field(sa_type=Text)
    """The vendor's name of the model."""
    place: Place = Field(sa_type=words(Place, is_closed=False))
    """Where the generation stands."""
    held_by: HeldBy | None = Field(default=None, sa_type=words(HeldBy, is_closed=False))
    """Why the generation is out of the queue."""
    lane: int = Field(sa_type=SmallInteger)
    """0: by turns. 1: low priority, after all others."""
    priority: int = Field(sa_type=SmallInteger)
    """`schemas.limits.Priority`."""
    may_use_reserve: bool
    """Whether the generation may take a place of the reserve."""
    charge: float
    """The expected seconds at the vendor, divided by the customer's weight: as at the ask, and from the grant on as at
    the grant."""
    turn: float
    """The virtual start as it was expected at the ask. The customer's ticket decides."""
    flow: str = Field(sa_type=Text)
    """The API key or the batch. The work of one customer takes turns by it."""
    flow_turn: float
    """The virtual start among the customer's flows."""
    work_seconds: float | None = None
    """The seconds from the grant to the deadline. Null: the deadline counts from acceptance."""
    asked_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the first ask at this account."""
    granted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the newest grant."""
    create_id: int | None = Field(default=None, sa_type=BigInteger)
    """The row of that grant in `admission_creates`."""
    charged_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the first grant at this account: later ones are not charged."""
    beside: int | None = Field(default=None, sa_type=BigInteger)
    """The customers who waited then, this one among them. Null: a hundred or more."""
    key_id: UUID | None = None
    """The API key with limits under whose id the order counts. A trigger writes this column."""


class AdmissionAccount(SQLModel, table=True):
    """The state of an account that all processes share. The function of the grant locks the row while it decides."""

    __tablename__: ClassVar[str] = "admission_accounts"

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    declared: dict[str, Any] = Field(default={}, sa_column=Column(JSONB, nullable=False, server_default="{}"))
    """The `AccountLimits` of the settings, or of the adapter."""
    override: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The `AccountLimits` that an operator set live. Null: the declared ones hold."""
    closed_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """Nothing is granted before: the vendor told us to wait."""
    closed_reason: Refusal | None = Field(default=None, sa_type=words(Refusal, is_closed=False))
    """The vendor's refusal that closed the account. One that lasts stays until the vendor accepts a create."""
    virtual_time: float = Field(default=0.0, sa_column=Column(Float, nullable=False, server_default="0"))
    """The turn of the newest grant. Work that comes later does not get an earlier turn."""
    learned_in_flight: float | None = None
    """The places that the vendor took when it last refused one for being too many. Null: none was refused."""
    learned_in_flight_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of that refusal."""
    rate_factor: float = Field(default=1.0, sa_column=Column(Float, nullable=False, server_default="1"))
    """The part of the configured rate after the newest refusal for being too fast."""
    rate_factor_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of that refusal."""
    limits_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of the newest change of `declared` or `override`."""
    counted_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time at which work was last counted that went to the account without asking for a place."""


class AdmissionFamily(SQLModel, table=True):
    """What refusals taught about a family of models, where the vendor counts by family. As in `AdmissionAccount`."""

    __tablename__: ClassVar[str] = "admission_families"

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    """The family of models."""
    closed_until: datetime | None = Field(default=None, sa_type=MOMENT)
    """Nothing of the family is granted before."""
    closed_reason: Refusal | None = Field(default=None, sa_type=words(Refusal, is_closed=False))
    """The vendor's refusal that closed the family."""
    learned_in_flight: float | None = None
    """The places that the vendor took when it last refused one for being too many. Null: none was refused."""
    learned_in_flight_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of that refusal."""
    rate_factor: float = Field(default=1.0, sa_column=Column(Float, nullable=False, server_default="1"))
    """The part of the configured rate after the newest refusal for being too fast."""
    rate_factor_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """The time of that refusal."""


class AdmissionTicket(SQLModel, table=True):
    """A customer's turn in a pool and a lane of an account. It may stay for a while when no more work waits."""

    __tablename__: ClassVar[str] = "admission_tickets"
    __table_args__ = (Index("ix_admission_tickets_next", "provider", "pool", "lane", "turn"),)

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    customer_id: UUID = Field(primary_key=True)
    """The customer."""
    pool: str = Field(sa_column=Column(Text, primary_key=True))
    """The family of models."""
    lane: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    """0: by turns. 1: low priority, after all others."""
    turn: float
    """The virtual start of the customer's next generation. The least one is next."""


class AdmissionShare(SQLModel, table=True):
    """How much of an account a customer, or a flow of a customer, has asked for and got, in virtual seconds."""

    __tablename__: ClassVar[str] = "admission_shares"
    __table_args__ = (
        Index("ix_admission_shares_used", "used_at"),
        Index("ix_admission_shares_since", "provider", "since", postgresql_where=text("flow = ''")),
    )

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    customer_id: UUID = Field(primary_key=True)
    """The customer."""
    flow: str = Field(sa_column=Column(Text, primary_key=True))
    """The API key or the batch. Empty: the customer as a whole."""
    asked: float
    """The virtual end of all that was asked for."""
    granted: float
    """The virtual end of all that was granted."""
    flow_time: float = Field(default=0.0, sa_column=Column(Float, nullable=False, server_default="0"))
    """Of the customer as a whole: the flow's turn of the newest grant."""
    since: datetime | None = Field(default=None, sa_type=MOMENT)
    """Of the customer as a whole: the time at which the customer last got the account's virtual time as a turn."""
    moved: float = Field(default=0.0, sa_column=Column(Float, nullable=False, server_default="0"))
    """Of the customer as a whole: how far corrections of others' work would have moved that turn since."""
    used_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the newest ask."""


class AdmissionCreate(SQLModel, table=True):
    """A granted create, for the windows of `creates`. A sweep deletes the rows of the past."""

    __tablename__: ClassVar[str] = "admission_creates"
    __table_args__ = (
        Index("ix_admission_creates_account", "provider", "at"),
        Index("ix_admission_creates_pool", "provider", "pool", "at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The number of the grant."""
    provider: ProviderName = Field(sa_type=String(64))
    """The account."""
    pool: str = Field(sa_type=Text)
    """The family of models."""
    at: datetime | None = Field(default=None, sa_column=created_at())
    """The time at which the create left. `infinity` until then: a create that may still leave counts as leaving now."""
    granted_at: datetime | None = Field(
        default=None, sa_column=Column(MOMENT, server_default=text("clock_timestamp()"))
    )
    """The time of the grant. Null: the row is older than this column."""


class AdmissionCorrection(SQLModel, table=True):
    """Work of a customer that took more or less time than expected. The next decision about the account counts it."""

    __tablename__: ClassVar[str] = "admission_corrections"
    __table_args__ = (Index("ix_admission_corrections_account", "provider"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    """The number of the row."""
    provider: ProviderName = Field(sa_type=String(64))
    """The account."""
    customer_id: UUID
    """The customer."""
    flow: str = Field(sa_type=Text)
    """The API key or the batch."""
    seconds: float
    """The seconds beyond those expected. Less than 0: the work took less time."""
    charge: float
    """The same divided by the customer's weight."""
    model: str | None = Field(default=None, sa_type=Text)
    """Our name of the model. Null: the row is older than `admission_costs`."""
    duration: str | None = Field(default=None, sa_type=Text)
    """As in `admission_costs`."""
    taken: float | None = None
    """The seconds that the vendor took. Null: the vendor did not do the work, and the time teaches nothing."""
    charged_at: datetime | None = Field(default=None, sa_type=MOMENT)
    """As in `admissions`."""
    beside: int | None = Field(default=None, sa_type=BigInteger)
    """As in `admissions`."""


class AdmissionCost(SQLModel, table=True):
    """The seconds that work takes at an account. The next grants of such work are charged by them."""

    __tablename__: ClassVar[str] = "admission_costs"

    provider: ProviderName = Field(sa_column=Column(String(64), primary_key=True))
    """The account."""
    model: str = Field(sa_column=Column(Text, primary_key=True))
    """Our name of the model."""
    duration: str = Field(sa_column=Column(Text, primary_key=True))
    """The seconds of video that are ordered. Empty: an image, or a model without a choice."""
    seconds: float
    """The average of recent work. Before any has ended: the time that the newest ask expected."""
    samples: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    """The works that taught it. 0: nothing has ended yet."""


class AdmissionPause(SQLModel, table=True):
    """A model, provider, route or customer whose generations wait, because an operator said so."""

    __tablename__: ClassVar[str] = "admission_pauses"

    scope: str = Field(sa_column=Column(String(16), primary_key=True))
    """`model`, `provider`, `route` or `customer`."""
    name: str = Field(sa_column=Column(Text, primary_key=True))
    """The model's name, the account, `account/vendor's model`, or the customer's id."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, for people."""
    paused_at: datetime | None = Field(default=None, sa_column=created_at())
    """Since when."""


class AdmissionChange(SQLModel, table=True):
    """A change that an operator made: of limits, a pause, or a run of a lever.

    Rows are only added, and `after` counts up during a run of a lever.
    """

    __tablename__: ClassVar[str] = "admission_changes"
    __table_args__ = (Index("ix_admission_changes_newest", "created_at", "id"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    """The id of the change."""
    created_at: datetime | None = Field(default=None, sa_column=created_at())
    """The time of the change."""
    author: str = Field(sa_type=Text)
    """The key of an operator, or the user of a command."""
    action: str = Field(sa_column=Column(String(16), nullable=False))
    """`schemas.limits.Action`."""
    scope: str = Field(sa_column=Column(String(16), nullable=False))
    """`limits`: of an account. `customer_limits`: of a customer. `generations`: a lever. Or the scope of a pause."""
    name: str = Field(sa_type=Text)
    """The account, the customer, the selection of generations, or the name of the pause."""
    reason: str | None = Field(default=None, sa_type=Text)
    """Why, for people."""
    before: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The operator's limits, or the pause, before the change; the selection and its count. Null: there was none."""
    after: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """The operator's limits, or the pause, after the change; the effects of a lever. Null: there is none."""


class CustomerLimits(SQLModel, table=True):
    """The share and the limits of a customer. A customer without a row has the weight 1 and no limits."""

    __tablename__: ClassVar[str] = "customer_limits"
    __table_args__ = (
        CheckConstraint("weight > 0", name="weight_is_positive"),
        CheckConstraint("in_flight >= 0 AND per_day >= 0 AND credits_per_day >= 0", name="limits_are_amounts"),
    )

    customer_id: UUID = Field(primary_key=True, foreign_key="customers.id")
    """The customer."""
    weight: float = Field(default=1.0, sa_column=Column(Float, nullable=False, server_default="1"))
    """The customer's share of each account, relative to others."""
    in_flight: int | None = None
    """The most generations at the same time (`schemas.quotas.Quota`). Null: no limit."""
    per_day: int | None = None
    """The most generations on one day in UTC. Null: no limit."""
    credits_per_day: int | None = Field(default=None, sa_type=BigInteger)
    """The most credits on one day in UTC. Null: no limit."""
    on_limit: OnLimit = Field(
        default=OnLimit.REJECT,
        sa_column=Column(words(OnLimit, is_closed=False), nullable=False, server_default=OnLimit.REJECT.value),
    )
    """What happens to an order over a limit."""
