"""Attacks with messages to the Redis door: each part with each wrong value, and texts that are no message."""

import base64
import json
import time
import zlib
from typing import Any
from uuid import uuid4

from celery import Celery

from drills.hostile.probe import Probe
from drills.hostile.target import Target
from intake.redis.keys import TAKEN
from workers.roles import ROLES

_DRAIN_SECONDS = 60.0
_WORKERS = sum(role.is_celery for role in ROLES.values())
_SHORT = {"headers.id of every wrong type", "no JSON"}

WRONG: tuple[object, ...] = (None, 5, 1.5, True, [], ["a"], {}, {"a": 1}, "", "\x00", "\ud83d", "a" * 100_000)
"""Values of every JSON type, and texts that parsers stumble over."""


def message(body: object = None, **changes: object) -> dict[str, Any]:
    """A message in Celery's protocol 2 (https://docs.celeryq.dev, "Message Protocol"), with changes.

    Args:
        body: arguments, keyword arguments and options. None: an order that no catalogue takes.
    """
    keywords = {"customer_id": "a customer", "request": {"prompt": "a prompt"}}
    options = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    whole = {
        "body": encoded([[], keywords, options] if body is None else body),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": "generation.enqueue",
            "id": str(uuid4()),
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": "r",
            "parent_id": None,
            "argsrepr": "()",
            "kwargsrepr": "{}",
            "origin": "gen1@host",
            "ignore_result": False,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": "c",
            "reply_to": "r",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "requests"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    return {**whole, **changes}


def encoded(body: object) -> str:
    """A message's body: base64 of JSON."""
    return base64.b64encode(json.dumps(body).encode()).decode()


def with_part(part: str, field: str, value: object) -> dict[str, Any]:
    """A message with another value of a header or a property."""
    whole = message()
    return {**whole, part: {**whole[part], field: value}}


def command(**changes: object) -> dict[str, object]:
    """A command of remote control: the body of its message (kombu's `pidbox`), with changes."""
    return {
        "method": "ping",
        "arguments": {},
        "destination": None,
        "pattern": None,
        "matcher": None,
        "ticket": "a-ticket",
        "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "a-client"},
        **changes,
    }


def wrong_commands() -> list[bytes]:
    """Broadcasts that are no message, no command, or a command that a worker cannot carry out."""
    good = message(command())
    decimal = {"__type__": "decimal", "__value__": "no number"}
    # On a worker's name, which has no such end, this expression takes hours.
    slow = {"pattern": "(([a-z0-9@._-]+)+)+!", "matcher": "pcre"}
    wrong = [
        *WRONG,
        {**good, "properties": decimal},
        *({**good, part: value} for part in good for value in WRONG),
        *(with_part("headers", "clock", value) for value in WRONG),
        *(message(command(**{field: value})) for field in command() for value in WRONG),
        message(command(**slow)),
        message(command(arguments={"no": "such"}, unknown="a field")),
        message(command(reply_to={"exchange": "", "routing_key": "requests"})),
    ]
    return [b"no JSON", b"\xff\xfe", b"[" * 100_000, *(json.dumps(each).encode() for each in wrong)]


def _broadcast(target: Target) -> str:
    """Publish wrong commands to every worker. Returns whether each worker still runs and answers."""
    database = target.redis.get_connection_kwargs()["db"]
    with Celery(broker=target.stack.settings.redis_url) as celery:
        before = _processes(celery)
        for raw in wrong_commands():
            target.redis.publish(f"/{database}.celery.pidbox", raw)
        after = _processes(celery)
    return "every worker answers" if len(before) == _WORKERS and after == before else f"{before} became {after}"


def _processes(celery: Celery) -> dict[str, int]:
    """The process id of each worker that answers. The look ends with the answer of the last worker."""
    answers = celery.control.inspect(timeout=_DRAIN_SECONDS, limit=_WORKERS).stats() or {}
    return {name: answer["pid"] for name, answer in answers.items()}


def pushed(target: Target, *raw: str | bytes) -> str:
    """Send messages to the door. Returns whether the door has taken all."""
    target.redis.lpush("requests", *raw)
    ends_at = time.monotonic() + _DRAIN_SECONDS
    while (left := _left(target)) and time.monotonic() < ends_at:
        time.sleep(0.05)
    return f"{left} left" if left else "taken"


def _probe(name: str, *raw: str | bytes) -> Probe:
    return Probe("redis", name, lambda target: pushed(target, *raw), "taken", is_short=name in _SHORT)


def _left(target: Target) -> int:
    """The messages that wait or are being served."""
    taken = sum(int(target.redis.llen(name)) for name in target.redis.scan_iter(match=f"{TAKEN}*"))
    return int(target.redis.llen("requests")) + taken


def _fields() -> list[Probe]:
    whole = message()
    return [
        _probe(f"{part}.{field} of every wrong type", *(json.dumps(with_part(part, field, value)) for value in WRONG))
        for part in ("headers", "properties")
        for field in whole[part]
    ] + [
        _probe(f"{part} of every wrong type", *(json.dumps({**whole, part: value}) for value in WRONG))
        for part in whole
    ]


def _bomb(target: Target) -> str:
    """Send a compressed body that unfolds to a gigabyte."""
    squeezer = zlib.compressobj(9)
    zeros = b"".join(squeezer.compress(bytes(1024**2)) for _ in range(1024)) + squeezer.flush()
    body = base64.b64encode(zlib.compress(zeros, 9)).decode()
    return pushed(target, json.dumps({**with_part("headers", "compression", "zlib"), "body": body}))


MESSAGES = [
    *_fields(),
    _probe("an empty text", b""),
    _probe("no JSON", b"no JSON"),
    _probe("bytes that are no text", b"\xff\xfe"),
    _probe("a list", b"[]"),
    _probe("null", b"null"),
    _probe("a list 100,000 deep", b"[" * 100_000),
    _probe("20 orders for another day", *[json.dumps(with_part("headers", "eta", "2099-01-01T00:00:00"))] * 20),
    _probe("an order with a chain", json.dumps(message([[], {}, {"chain": [{"task": "pipeline.sweep"}]}]))),
    _probe("an order with a callback", json.dumps(message([[], {}, {"callbacks": [{"task": "generation.settle"}]}]))),
    _probe("a task of ours", json.dumps(with_part("headers", "task", "pipeline.sweep"))),
    _probe("a task of nobody", json.dumps(with_part("headers", "task", "their.task"))),
    _probe("a body of 20 MB", json.dumps(message(body="x" * 20_000_000))),
    # Redis itself takes no text of more than 32 MiB.
    Probe(
        "redis",
        "a body of 120 MB",
        lambda target: pushed(target, json.dumps(message(body="x" * 120_000_000))),
        "taken|ConnectionError: .*",
    ),
    _probe("a body of a million lists", json.dumps(message([[], {"request": [[]] * 1_000_000}, {}]))),
    Probe("redis", "a body that unfolds to a gigabyte", _bomb, "taken"),
    Probe("redis", "commands that are none", _broadcast, "every worker answers", is_short=True),
    _probe("1,000 orders at once", *(json.dumps(message()) for _ in range(1000))),
]
"""Every attack on the Redis door."""
