"""Follow the events of Reelworks in Redis, with redis-py.

    pip install redis
    REDIS_URL=redis://events:PASSWORD@HOST:6379/0 python follow_events.py

Start the program as often as you like: the processes of a group share the events. Each event is handled once, although
it may come more than once: the table `seen` has the ids of the handled events. So keep the table in the database in
which `handle` writes, and let one transaction contain both.
"""

import json
import os
import socket
import sqlite3
import time
from typing import Any

from redis import Redis, exceptions

STREAM = os.environ.get("STREAM", "reelworks:events")
GROUP = os.environ.get("GROUP", "my-service")
CONSUMER = f"{socket.gethostname()}-{os.getpid()}"

# What a consumer has not acknowledged within this time goes to another one. Longer than `handle` takes.
IDLE_MS = int(os.environ.get("IDLE_MS", "60000"))
BLOCK_MS = 2000

TABLES = """
    CREATE TABLE IF NOT EXISTS seen (event_id INTEGER PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS threads (
        thread TEXT, generation_id TEXT, sequence INTEGER, status TEXT, PRIMARY KEY (thread, generation_id)
    );
"""


def handle(event: dict[str, Any], database: sqlite3.Connection) -> None:
    """Do your work here: this program keeps the newest state of each thread."""
    data = event["data"]
    database.execute(
        "INSERT INTO threads VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence, "
        "status = excluded.status WHERE excluded.sequence > sequence",
        [data["metadata"].get("thread", ""), data["generation_id"], event["sequence"], data["status"]],
    )
    print(event["type"], data["generation_id"], data["links"]["content"], flush=True)


def main() -> None:
    database = sqlite3.connect(os.environ.get("DATABASE", "events.sqlite"), timeout=30)
    database.executescript(TABLES)
    redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_timeout=10)
    while True:
        try:
            for entry_id, fields in next_entries(redis):
                handle_once(json.loads(fields["event"]), database)
                redis.xack(STREAM, GROUP, entry_id)
        except exceptions.ResponseError as error:
            # Redis was emptied, or the stream was deleted: Reelworks appends the last minutes again.
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            make_group(redis)
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            print("Redis does not answer:", error, flush=True)
            time.sleep(1)


def next_entries(redis: Redis) -> list[tuple[str, dict[str, str]]]:
    """Entries that a dead consumer left, or else new ones."""
    claimed: Any = redis.xautoclaim(STREAM, GROUP, CONSUMER, min_idle_time=IDLE_MS, count=100)
    if left := claimed[1]:
        return list(left)
    new: Any = redis.xreadgroup(GROUP, CONSUMER, {STREAM: ">"}, count=100, block=BLOCK_MS)
    return new[0][1] if new else []


def handle_once(event: dict[str, Any], database: sqlite3.Connection) -> None:
    with database:  # one transaction
        if database.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event["sequence"]]).rowcount:
            handle(event, database)


def make_group(redis: Redis) -> None:
    """Make the group, from the first entry on: those that were handled before are in `seen`."""
    try:
        redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    except exceptions.ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):  # another process was faster
            raise


if __name__ == "__main__":
    main()
