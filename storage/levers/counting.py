"""Counts the generations of a selection, with the money at stake, before a lever acts. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from schemas.enums import Stage
from schemas.lever_token import Seen
from schemas.levers import Lever, Selection
from storage.levers import walking
from storage.levers.selecting import MAY_BE_AT_VENDOR, PAID, selected, within_limit
from storage.levers.walking import Walk, Watch, unwatched
from storage.sql import Sql, returns

SAMPLE = 5
"""The ids of a sample."""


@dataclass(frozen=True)
class Group:
    """The selected generations in one stage at one provider."""

    stage: Stage
    """The stage."""
    provider: str
    """The account of the present route."""
    selected: int
    """The generations."""
    count: int
    """Those on which the lever acts."""
    credits: int
    """Their credits at stake: held ones, captured ones, or for a new order of a failed one its earlier price."""
    at_vendor: int
    """Those whose work the vendor accepted. The vendor may bill it."""
    may_be_at_vendor: int
    """Those whose create may have left, with unknown outcome. The vendor may have the work, and bill it."""
    provider_credits: Decimal | None
    """What the vendor has reported as its charge for them, in its own credits."""

    def __add__(self, other: "Group") -> "Group":
        """Both counts of one stage at one provider together."""
        charges = [one for one in (self.provider_credits, other.provider_credits) if one is not None]
        return Group(
            self.stage,
            self.provider,
            self.selected + other.selected,
            self.count + other.count,
            self.credits + other.credits,
            self.at_vendor + other.at_vendor,
            self.may_be_at_vendor + other.may_be_at_vendor,
            sum(charges, Decimal(0)) if charges else None,
        )


@dataclass(frozen=True)
class Counted:
    """The generations of a selection."""

    counted_at: datetime
    """The time of the count. Later generations are not meant."""
    groups: Sequence[Group]
    """The generations by stage and provider."""
    sample: Sequence[UUID]
    """Some generations on which the lever acts."""

    @property
    def count(self) -> int:
        """The generations on which the lever acts."""
        return sum(group.count for group in self.groups)

    @property
    def selected(self) -> int:
        """The generations of the selection."""
        return sum(group.selected for group in self.groups)

    @property
    def may_be_at_vendor(self) -> int:
        """Those whose create may have left, with unknown outcome."""
        return sum(group.may_be_at_vendor for group in self.groups)

    @property
    def credits(self) -> int:
        """The customers' credits at stake."""
        return sum(group.credits for group in self.groups)


# Messages and callbacks move no credits. Neither does a look at an unfinished generation.
_STAKES = {
    Lever.RETRY: "CASE WHEN g.stage = 'failed' THEN g.credits ELSE 0 END",
    Lever.FAIL: "g.credits",
    Lever.CANCEL: "g.credits",
    Lever.REFUND: PAID,
    Lever.REDELIVER: "0",
    Lever.REPLAY: "0",
}

_NOW = returns(datetime)("SELECT clock_timestamp()")


def count(
    sql: Sql,
    lever: Lever,
    selection: Selection,
    seen: Seen | None = None,
    *,
    has_begun: bool = True,
    watch: Watch = unwatched,
) -> Counted:
    """Count what a lever would act on, window by window.

    Args:
        seen: an earlier count of the same selection: count what is left of it. None: count anew.
        has_begun: whether the run of `seen` has acted.
        watch: hears the progress.

    Raises:
        InvalidRequest: the selection takes longer than the database or the watch allows.
    """
    meant = selected(lever, selection, seen or Seen(uuid4(), 0, now(sql)), has_begun=has_begun and seen is not None)
    groups: dict[tuple[Stage, str], Group] = {}
    sample: list[UUID] = []
    read = 0
    watch(read)
    for window in Walk(selection, meant.seen).windows(sql, walking.WINDOW):
        given = {**meant.given, **window.given}
        counts = meant.into_window(window.source, _GROUPS, stake=_STAKES[lever], unknown=MAY_BE_AT_VENDOR)
        with within_limit():
            found = sql.all(returns(Group)(counts), **given)
            if len(sample) < SAMPLE and any(group.count for group in found):
                some = meant.into_window(window.source, _SAMPLE)
                sample += sql.all(returns(UUID)(some), **given, most=SAMPLE - len(sample))
        for group in found:
            place = group.stage, group.provider
            groups[place] = groups[place] + group if place in groups else group
        read += window.size
        watch(read)
    return Counted(meant.seen.counted_at, [groups[place] for place in sorted(groups)], sample)


def now(sql: Sql) -> datetime:
    """The time of the database's clock."""
    at = sql.first(_NOW)
    if at is None:
        raise ValueError("the database has no clock")
    return at


# Not inlined: the condition of the lever may read other tables, and is checked once for each generation.
_GROUPS = """
    WITH meant AS MATERIALIZED (
        SELECT g.stage, g.provider, g.remote_id, g.provider_credits, {stake} AS stake, {acts} AS acts,
               {unknown} AS is_unknown
        FROM {tables} WHERE {condition}
    )
    SELECT stage, provider, count(*) AS selected, count(*) FILTER (WHERE acts) AS count,
           coalesce(sum(stake) FILTER (WHERE acts), 0)::bigint AS credits,
           count(remote_id) FILTER (WHERE acts) AS at_vendor,
           count(*) FILTER (WHERE acts AND is_unknown) AS may_be_at_vendor,
           sum(provider_credits) FILTER (WHERE acts) AS provider_credits
    FROM meant GROUP BY stage, provider ORDER BY stage, provider
"""

_SAMPLE = "SELECT g.id FROM {tables} WHERE {condition} AND {acts} LIMIT %(most)s"
