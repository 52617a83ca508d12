"""The position of the stream of events in Redis, and the turn of the one process that writes the stream."""

from storage import turns
from storage.sql import Sql, returns

NAME = "reelworks:events"
"""The stream of all customers."""

# The writer asks the database each second.
_SILENT_SECONDS = 10

_BEGIN = returns(int)("""
    INSERT INTO stream_positions (name, position) VALUES (%(name)s, %(position)s)
    ON CONFLICT (name) DO UPDATE SET name = excluded.name
    RETURNING position
""")

_WRITE = """
    UPDATE stream_positions SET position = %(position)s, written_at = clock_timestamp() WHERE name = %(name)s
"""

_NEWEST = returns(int)("SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')), 0)")

# Walks back from the newest event, so it reads the events of the time in question only.
_BEFORE = returns(int)("""
    SELECT id FROM events
    WHERE id <= %(until)s AND created_at < clock_timestamp() - make_interval(secs => %(seconds)s)
    ORDER BY id DESC LIMIT 1
""")


# Walks from the stream's oldest entry, so it reads the events that leave the stream only.
_FIRST_SINCE = returns(int)("""
    SELECT id FROM events
    WHERE id >= %(first)s AND created_at >= clock_timestamp() - make_interval(secs => %(seconds)s)
    ORDER BY id LIMIT 1
""")

_LAG = returns(float)("""
    SELECT coalesce(extract(epoch FROM clock_timestamp() - (
        SELECT created_at FROM events WHERE id > position AND origin IS DISTINCT FROM stage ORDER BY id LIMIT 1
    )), 0)::float8
    FROM stream_positions WHERE name = %(name)s
""")


def take_turn(sql: Sql) -> bool:
    """Take the turn for this connection, unless another one has it."""
    return turns.take(sql, "stream_positions", silent_seconds=_SILENT_SECONDS)


def begin(sql: Sql, position: int) -> int:
    """The id up to which every event was appended. Without one, the stream begins after `position`."""
    return sql.all(_BEGIN, name=NAME, position=position)[0]


def write(sql: Sql, position: int) -> None:
    """Record that every event up to this id was appended. A process calls this in its turn only."""
    sql.run(_WRITE, name=NAME, position=position)


def newest(sql: Sql) -> int:
    """The newest id that a transaction took for an event."""
    return sql.first(_NEWEST) or 0


def before(sql: Sql, seconds: float, *, until: int) -> int:
    """The id of the newest event that is older than this, among those up to an id. 0 without such an event."""
    return sql.first(_BEFORE, seconds=seconds, until=until) or 0


def first_since(sql: Sql, seconds: float, *, first: int) -> int | None:
    """The id of the oldest event from an id on that is younger than this. None: there is no such event."""
    return sql.first(_FIRST_SINCE, seconds=seconds, first=first)


def lag(sql: Sql) -> float | None:
    """The age in seconds of the oldest event that is not in the stream, or 0. None: no process has written a stream."""
    return sql.first(_LAG, name=NAME)
