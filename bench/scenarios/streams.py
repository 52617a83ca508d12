"""Measures event streams: 2,000 subscribers of 500 generations, while Redis is emptied and half of them reconnect."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import redis
from sqlalchemy import text

from bench.figures.percentiles import percentiles
from bench.figures.results import GENERATIONS, Measure, Outcome, over_rounds
from bench.instruments.meter import Meter, memory_mib
from bench.load.followers import Followed, Followers
from bench.load.senders import Sender
from bench.progress import Steps
from bench.running_stack import RunningStack, process_ids, running_stack
from bench.scenario import RunContext
from bench.subjects.reelworks import NAME as REELWORKS
from bench.subjects.reelworks import problems
from schemas.setting_groups import ConnectionSettings, SandboxSettings, StreamSettings
from schemas.settings import Settings
from storage.database import Database

NAME = "streams"
DELIVERY, COST, EACH = "commit → subscriber", "gateway's processor time", "gateway's memory for a subscriber"

_SUBSCRIBERS_EACH = 4
_GATEWAY = "gateway"


@dataclass(frozen=True)
class _Size:
    generations: int
    seconds: float
    """The time of a generation at the vendor: all subscribers connect before its end."""


class Streams:
    """Four subscribers for each of 500 running generations."""

    name = NAME

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure the same case in every round, on one system."""
        size = _Size(10, 5) if context.quick else _Size(500, 45)
        rounds = []
        with (
            running_stack(context, settings=_settings(size)) as running,
            Steps(context, NAME, context.rounds) as steps,
        ):
            for number in range(1, context.rounds + 1):
                steps.begin(f"round {number}, {size.generations} generations")
                rounds.append(_round(running, size))
            rounds[-1].problems.extend(problems(running.stack.settings, running.database))
        return [over_rounds(rounds)]


def _settings(size: _Size) -> Settings:
    subscribers = size.generations * _SUBSCRIBERS_EACH
    update = {
        "connections": ConnectionSettings(max_connections=2 * subscribers + 100),
        "streams": StreamSettings(each_customer=2 * subscribers, total=2 * subscribers),
        "sandbox": SandboxSettings(port=0, seconds_per_image=size.seconds),
    }
    return Settings(_env_file=None).model_copy(update=update)


def _round(running: RunningStack, size: _Size) -> Outcome:
    parts = process_ids(running.stack)
    before = memory_mib({_GATEWAY: parts[_GATEWAY]})[_GATEWAY]
    generations = _order(running, size.generations)
    url, headers = running.stack.gateway_url, running.door.headers
    with Followers(url, headers, generations * _SUBSCRIBERS_EACH) as followers:
        there = memory_mib({_GATEWAY: parts[_GATEWAY]})[_GATEWAY]
        with Meter({**parts, "subscribers": followers.pid}) as meter:
            began = time.perf_counter()
            with redis.Redis.from_url(running.stack.settings.redis_url) as queues:
                queues.flushall()
            followers.reconnect()
            seen = followers.results(seconds=size.seconds + 240)
            seconds = time.perf_counter() - began
    used = next(part.cpu_seconds[0] for part in meter.use() if part.part == _GATEWAY)
    delivered = sum(len(each.ids) for each in seen)
    return Outcome(
        scenario=NAME,
        case=f"{len(seen):,} subscribers of {size.generations} generations",
        subject=REELWORKS,
        measures=[
            *percentiles(DELIVERY, list(chain.from_iterable(each.seconds for each in seen))),
            Measure(what="events delivered", unit="", values=[delivered]),
            Measure(what=f"{COST} for a delivery", unit="ms", values=[1000 * used / delivered]),
            Measure(what=COST, unit="% of a core", values=[100 * used / seconds]),
            Measure(what=EACH, unit="KiB", values=[1024 * (there - before) / len(seen)]),
            Measure(what=GENERATIONS, unit="", values=[size.generations]),
        ],
        parts=meter.use(),
        problems=list(missed(running.database, seen)),
    )


def _order(running: RunningStack, count: int) -> list[str]:
    with Sender(running.door) as sender:
        return [str(json.loads(sender.send())["id"]) for _ in range(count)]


def missed(database: Database, seen: Sequence[Followed]) -> list[str]:
    """What subscribers did not see, or not as it happened."""
    query = text("SELECT generation_id::text, id FROM events WHERE origin IS DISTINCT FROM stage ORDER BY id")
    happened: dict[str, list[int]] = {}
    with database.transaction() as session:
        for generation_id, event_id in session.execute(query):
            happened.setdefault(generation_id, []).append(event_id)
    wrong = Counter[str]()
    for each in seen:
        wrong["did not see the end"] += each.last_stage not in {"completed", "failed", "cancelled"}
        wrong["got events twice or in another order"] += not each.is_in_order
        wrong["missed events"] += set(each.ids) != set(happened[each.generation_id])
        wrong["did not get 204 after the end"] += each.last_status != 204
    return [f"{count} of {len(seen)} subscribers {what}" for what, count in wrong.items() if count]
