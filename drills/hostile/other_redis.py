"""Attacks over Redis beside messages of orders: remote control, inner queues, answers."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery

from drills.hostile.messages import message, with_part
from drills.hostile.probe import Probe
from drills.hostile.target import Target

_ANSWER_SECONDS = 60.0
_NO_ANSWER_SECONDS = 10.0
_CONTROL_SECONDS = 1.0
# A refusal names up to 20 fields, each twice, with up to 200 characters of its name.
_MOST_ANSWER_BYTES = 20 * 1024
_LONG = "z" * 5000


def _control(command: str, arguments: Mapping[str, object]) -> Callable[[Target], str]:
    """Send a command of Celery's remote control to every worker. Returns how many workers obeyed."""

    def attack(target: Target) -> str:
        with Celery(broker=target.stack.settings.redis_url) as celery:
            answers = celery.control.broadcast(command, arguments=arguments, reply=True, timeout=_CONTROL_SECONDS)
        obeyed = [answer for each in answers or [] for answer in each.values() if "error" not in answer]
        return f"{len(obeyed)} obeyed"

    return attack


def _in_queue(queue: str, whole: Mapping[str, Any]) -> Callable[[Target], str]:
    """Put a message into an inner queue. Returns whether the workers have taken it."""
    return _text_in_queue(queue, json.dumps(whole))


def _text_in_queue(queue: str, text: str) -> Callable[[Target], str]:
    def attack(target: Target) -> str:
        target.redis.lpush(queue, text)
        ends_at = time.monotonic() + _ANSWER_SECONDS
        while target.redis.llen(queue) and time.monotonic() < ends_at:
            time.sleep(0.05)
        return f"{target.redis.llen(queue)} left"

    return attack


def _answer(whole: Mapping[str, Any], seconds: float = _ANSWER_SECONDS) -> Callable[[Target], str]:
    """Send an order. Returns the reason of its refusal, and whether the answer is short.

    Args:
        seconds: the longest wait for the answer.
    """

    def attack(target: Target) -> str:
        key = f"celery-task-meta-{whole['headers']['id']}"
        target.redis.lpush("requests", json.dumps(whole))
        ends_at = time.monotonic() + seconds
        while (answer := target.redis.get(key)) is None and time.monotonic() < ends_at:
            time.sleep(0.02)
        if answer is None:
            return "no answer"
        result = json.loads(answer)["result"]
        detail = result["error"]["detail"] if isinstance(result, dict) and "error" in result else "no error"
        return f"{'short' if len(answer) <= _MOST_ANSWER_BYTES else len(answer)}: {detail[:60]}"

    return attack


def _order(**request: object) -> dict[str, Any]:
    customer = "00000000-0000-0000-0000-000000000001"
    return message([[], {"customer_id": customer, "request": {"prompt": "a boat", **request}}, {}])


_COMMANDS: Mapping[str, Mapping[str, object]] = {
    "shutdown": {},
    "pool_restart": {"reload": True},
    "pool_shrink": {"n": 100},
    "cancel_consumer": {"queue": "requests"},
    "revoke": {"task_id": "a", "terminate": True},
    "rate_limit": {"task_name": "generation.enqueue", "rate_limit": "1/h"},
    "time_limit": {"task_name": "generation.enqueue", "soft": 1, "hard": 1},
    "conf": {"with_defaults": True},
    "their_command": {},
}

_ERROR = "short: (?!no error).*"

OTHER_REDIS = [
    *(
        Probe(
            "redis",
            f"remote control: {command}",
            _control(command, arguments),
            "0 obeyed",
            is_short=command == "shutdown",
        )
        for command, arguments in _COMMANDS.items()
    ),
    Probe("redis", "an order in an inner queue", _in_queue("submit", message()), "0 left"),
    Probe(
        "redis",
        "another role's task in an inner queue",
        _in_queue("settle", with_part("headers", "task", "pipeline.sweep")),
        "0 left",
    ),
    Probe(
        "redis",
        "no arguments in an inner queue",
        _in_queue("poll", with_part("headers", "task", "generation.poll")),
        "0 left",
    ),
    Probe("redis", "a list in an inner queue", _text_in_queue("store", "[]"), "0 left"),
    Probe("redis", "no JSON in an inner queue", _text_in_queue("poll", "\x00"), "0 left"),
    Probe(
        "redis",
        "properties that are a list in an inner queue",
        _in_queue("submit", {**message(), "properties": []}),
        "0 left",
    ),
    Probe(
        "redis",
        "an unknown encoding in an inner queue",
        _in_queue("settle", with_part("properties", "body_encoding", "rot13")),
        "0 left",
    ),
    Probe("redis", "a model of 5,000 characters", _answer(_order(model=_LONG)), _ERROR, is_short=True),
    Probe("redis", "a field with a name of 5,000 characters", _answer(_order(**{_LONG: 1})), _ERROR),
    Probe(
        "redis",
        "1,000 fields that do not exist",
        _answer(_order(**{f"{_LONG[:99]}{n}": n for n in range(1000)})),
        _ERROR,
    ),
    Probe(
        "redis",
        "a task with a name of 5,000 characters",
        _answer(with_part("headers", "task", _LONG)),
        "short: .*takes generation.enqueue.*",
    ),
    Probe(
        "redis",
        "an order with a chord",
        _answer(message([[], {}, {"chord": {"task": "pipeline.sweep"}}])),
        "short: .*without chain.*",
    ),
    # 19 MB: more than a message may have, and discarded unread.
    Probe(
        "redis",
        "an order with a prompt of 14 MB",
        _answer(_order(prompt="x" * 14_000_000), _NO_ANSWER_SECONDS),
        "no answer",
    ),
    Probe("redis", "an order of a group", _answer(with_part("headers", "group", "a")), "short: .*without a group.*"),
    Probe(
        "redis",
        "an order for another day",
        _answer(with_part("headers", "eta", "2099-01-01T00:00:00")),
        "short: .*without eta.*",
        is_short=True,
    ),
    Probe(
        "redis",
        "a chain in an order",
        _answer(message([[], {}, {"chain": [{"task": "pipeline.sweep"}]}])),
        "short: .*without chain.*",
        is_short=True,
    ),
    Probe(
        "redis",
        "a packed order",
        _answer(with_part("headers", "compression", "zlib")),
        "short: .*send plain JSON.*",
        is_short=True,
    ),
    Probe(
        "redis",
        "a task of ours, with an answer",
        _answer(with_part("headers", "task", "pipeline.sweep")),
        "short: .*takes generation.enqueue.*",
        is_short=True,
    ),
]
"""Every other attack over Redis."""
