"""The figures of the whole system that the database knows, for Prometheus. One process at a time reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from metrics import families
from metrics.instruments import Gauge, Values
from schemas.stages import WORK
from storage import account_health, overview, stream_position, turns
from storage.sql import IS_FREE, Query, Sql, returns

_NUMBERS = returns(lambda *row: row)


@dataclass(frozen=True)
class _Reading:
    """A statement whose rows have the labels first, and then a value for each gauge."""

    labels: tuple[str, ...]
    """The names of the labels."""
    gauges: tuple[Gauge, ...]
    """The gauge of each further column. A gauge has some of the labels, in this order."""
    query: Query[tuple[object, ...]]
    """The statement. A value of null is no value."""
    zeros: dict[str, Sequence[str]] = field(default_factory=dict)
    """The values of a label that are shown without rows, too: 0 is news where work stood before."""

    def series(self, sql: Sql) -> Iterator[tuple[Gauge, dict[Values, float]]]:
        """The series of each gauge."""
        rows = sql.all(self.query)
        size = len(self.labels)
        for column, gauge in enumerate(self.gauges, start=size):
            indexes = [self.labels.index(name) for name in gauge.label_names]
            found = [
                ([_shown(row[index]) for index in indexes], float(str(row[column])))
                for row in rows
                if row[column] is not None
            ]
            nothing = (
                [([value], 0.0) for value in self.zeros.get(gauge.label_names[0], ())] if len(indexes) == 1 else []
            )
            yield gauge, gauge.series([*found, *nothing])


def _shown(label: object) -> str:
    return "none" if label is None else str(label)


_UNFINISHED = _Reading(
    ("stage", "model", "provider"),
    (
        families.GENERATIONS,
        families.OLDEST_SECONDS,
        families.STAGE_OLDEST_SECONDS,
        families.RUNNABLE,
        families.RUNNABLE_OLDEST_SECONDS,
        families.CLAIMED,
        families.FAILING,
    ),
    overview.UNFINISHED,
    zeros={"stage": [stage.value for stage in WORK]},
)


_ENDED = _Reading(("status", "cause", "model", "provider"), (families.ENDED_HOUR,), overview.ENDED_HOUR)

_CREDITS = _Reading(
    (),
    (
        families.HOLDS,
        families.HOLDS_CREDITS,
        families.HOLD_OLDEST_SECONDS,
        families.HELD_CREDITS,
    ),
    # One statement sees one moment, so the sums agree while credits move.
    _NUMBERS("""
        SELECT holds.count, holds.credits, holds.oldest, ledger.held
        FROM (
            SELECT count(*) AS count, coalesce(sum(credits), 0) AS credits,
                   coalesce(extract(epoch FROM now() - min(created_at)), 0) AS oldest
            FROM generations WHERE wake_at IS NOT NULL AND credits > 0
        ) holds, (
            SELECT coalesce(sum(balance), 0) AS held FROM ledger_accounts WHERE kind = 'held'
        ) ledger
    """),
)

# Reads every transfer: the accounts of the business have no balance, because each transfer would wait for the row.
_LEDGER = _Reading(
    (),
    (families.LEDGER_CREDITS,),
    _NUMBERS("""
        WITH business AS (SELECT id FROM ledger_accounts WHERE balance IS NULL)
        SELECT (SELECT coalesce(sum(balance), 0) FROM ledger_accounts)
             + coalesce(sum(amount) FILTER (WHERE to_account_id IN (SELECT id FROM business)), 0)
             - coalesce(sum(amount) FILTER (WHERE from_account_id IN (SELECT id FROM business)), 0)
        FROM ledger_transfers
    """),
)

_ADMISSIONS = _Reading(
    ("provider", "place"),
    (families.ADMISSIONS, families.ADMISSION_OLDEST_SECONDS),
    _NUMBERS("""
        SELECT provider, place, count(*), extract(epoch FROM now() - min(asked_at))
        FROM admissions WHERE place <> 'idle' GROUP BY provider, place
    """),
)

_HELD = _Reading(
    ("held_by",),
    (families.ADMISSIONS_HELD,),
    _NUMBERS("SELECT held_by, count(*) FROM admissions WHERE place = 'held' GROUP BY held_by"),
)

_ACCOUNTS = _Reading(
    ("provider",),
    (families.ACCOUNT_LIMIT, families.ACCOUNT_CLOSED_SECONDS),
    _NUMBERS("""
        SELECT provider, (coalesce(override, declared) ->> 'in_flight')::float8,
               greatest(0, coalesce(extract(epoch FROM closed_until - now()), 0))
        FROM admission_accounts
    """),
)

_STATES = _Reading(
    ("provider", "state"),
    (families.ACCOUNT_STATE,),
    _NUMBERS(f"SELECT provider, state, 1 FROM ({account_health.STATES}) states"),  # noqa: S608 -- a constant
)

_ROUTES = _Reading(
    ("provider",),
    (families.ROUTES_OPEN, families.ROUTE_OPEN_SECONDS),
    _NUMBERS("""
        SELECT provider, count(*), extract(epoch FROM now() - min(opened_at))
        FROM route_health WHERE opened_at IS NOT NULL GROUP BY provider
    """),
)

_PAUSES = _Reading(
    (),
    (families.PAUSES, families.WEBHOOKS_PAUSED),
    _NUMBERS("""
        SELECT (SELECT count(*) FROM admission_pauses),
               (SELECT count(*) FROM webhook_endpoints WHERE paused_at IS NOT NULL)
    """),
)

_VARIANTS = _Reading(
    (),
    (families.VARIANTS_DUE, families.VARIANTS_DUE_SECONDS),
    _NUMBERS(f"""
        SELECT count(*), coalesce(extract(epoch FROM now() - min(wake_at)), 0)
        FROM variants WHERE wake_at <= now() AND {IS_FREE}
    """),  # noqa: S608 -- a constant
)

_READINGS = (_UNFINISHED, _ENDED, _CREDITS, _ADMISSIONS, _HELD, _ACCOUNTS, _STATES, _ROUTES, _PAUSES, _VARIANTS)


def take_turn(sql: Sql, *, silent_seconds: int) -> bool:
    """Take the turn to read and show the figures, unless another process has it."""
    return turns.take(sql, "figures", silent_seconds=silent_seconds)


def read_ledger(sql: Sql) -> dict[Gauge, dict[Values, float]]:
    """The sum of the ledger. This reads every transfer, so read it rarely."""
    return dict(_LEDGER.series(sql))


def read(sql: Sql, *, has_stream: bool) -> dict[Gauge, dict[Values, float]]:
    """The figures of this moment.

    Args:
        has_stream: whether the stream is switched on.
    """
    figures = {gauge: series for reading in _READINGS for gauge, series in reading.series(sql)}
    due, seconds = overview.due_webhooks(sql)
    figures[families.WEBHOOKS_DUE], figures[families.WEBHOOKS_DUE_SECONDS] = {(): due}, {(): seconds}
    lag = stream_position.lag(sql) if has_stream else None
    if lag is not None:
        figures[families.STREAM_LAG_SECONDS] = {(): lag}
    return figures
