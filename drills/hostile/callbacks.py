"""Attacks with callbacks: forged, repeated and wrong ones, for an order that is under way."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
from pydantic import JsonValue

from drills.hostile.probe import Probe
from drills.hostile.target import Target
from sandbox.control_models import CallbackReport, TaskReport
from sandbox.scenarios import Match, Scenario

# Only an order that never reaches its vendor takes so long.
_PATIENCE_SECONDS = 300.0
_LOOK_EVERY_SECONDS = 0.05
_REPEATS = 50
# So many take seconds, and each second of reads without a pause shows.
_MANY_REPEATS = 1000
# The gateway keeps so many bodies of a generation.
_NEWS = 20
# A poll may be under way when the callbacks begin, and another is due after them.
_MORE_READS = 2


@contextmanager
def _under_way(target: Target) -> Iterator[tuple[str, TaskReport]]:
    """An order that the vendor works on until the end of the block: its path, and the vendor's task."""
    word = f"w{uuid4().hex}"
    with target.sandbox.scenario(Scenario(match=Match(prompt_contains=word), seconds=600)):
        path = target.order(target.evil, model="nano-banana", prompt=f"a boat {word}")
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while (stage := target.see(target.evil, path)["stage"]) != "generating":
            if time.monotonic() > ends_at:
                raise TimeoutError(f"an order is {stage} after {_PATIENCE_SECONDS:g} s, not generating")
            time.sleep(_LOOK_EVERY_SECONDS)
        (task,) = target.sandbox.tasks(word)
        try:
            yield path, task
        finally:
            target.http.post(f"{path}/cancel", headers=target.evil.headers)


def _many(extra: Callable[[int], JsonValue], *, news: int, times: int = _REPEATS) -> Callable[[Target], str]:
    """Send many signed callbacks. Each with a new body may cause a read of the vendor, up to `news`.

    All others together may cause one read a second.
    """

    def attack(target: Target) -> str:
        with _under_way(target) as (path, task):
            before, began = _reads(target, task), time.monotonic()
            statuses = {_send(target, task, extra(number)).status for number in range(times)}
            seconds = math.ceil(time.monotonic() - began)
            time.sleep(1)
            reads = _reads(target, task) - before
            is_bounded = reads <= news + seconds + 1 + _MORE_READS
            stage = target.see(target.evil, path)["stage"]
        return f"{statuses}, {stage}, {'one read a second' if is_bounded else f'{reads} reads in {seconds} s'}"

    return attack


def _send(target: Target, task: TaskReport, extra: JsonValue) -> CallbackReport:
    body: dict[str, JsonValue] = {"code": 200, "data": {"taskId": task.task_id}, "extra": extra}
    return target.sandbox.send_callback(task.task_id, body=body)


def _reads(target: Target, task: TaskReport) -> int:
    (found,) = [each for each in target.sandbox.tasks(task.prompt) if each.task_id == task.task_id]
    return found.polls


def _forged(target: Target) -> str:
    with _under_way(target) as (path, task):
        before = _reads(target, task)
        statuses = {target.sandbox.send_callback(task.task_id, signed="wrong").status for _ in range(10)}
        time.sleep(0.5)
        return f"{statuses}, {target.see(target.evil, path)['stage']}, {_reads(target, task) - before} reads"


def _signed(url: Callable[[str], str]) -> Callable[[Target], str]:
    """Let the vendor send a signed callback to a changed URL."""

    def attack(target: Target) -> str:
        with _under_way(target) as (path, task):
            report = target.sandbox.send_callback(task.task_id, url=url(task.call_back_url or ""))
            return f"{report.status}, {target.see(target.evil, path)['stage']}"

    return attack


def _signed_with(extra: Callable[[], JsonValue]) -> Callable[[Target], str]:
    """Add to the body of a signed callback. The signature covers the id in the body, and no more."""

    def attack(target: Target) -> str:
        with _under_way(target) as (path, task):
            report = _send(target, task, extra())
            return f"{report.status}, {target.see(target.evil, path)['stage']}"

    return attack


def _nested(depth: int) -> JsonValue:
    value: JsonValue = []
    for _ in range(depth):
        value = [value]
    return value


def _posted(body: bytes, url: Callable[[str], str] = str) -> Callable[[Target], str]:
    """Post bytes to a callback's own URL, or to a changed one."""

    def attack(target: Target) -> str:
        with _under_way(target) as (path, task):
            try:
                address = url(task.call_back_url or "")
                status = str(
                    target.http.post(address, content=body, headers={"Content-Type": "application/json"}).status_code
                )
            except httpx.TransportError:
                status = "closed"
            return f"{status}, {target.see(target.evil, path)['stage']}"

    return attack


def _other_generation(url: str) -> str:
    path, _, token = url.partition("?")
    return f"{path.rpartition('/')[0]}/{uuid4()}?{token}"


_REFUSED = "(400|401|404|413|422), generating"

CALLBACKS = [
    Probe(
        "callback",
        f"a signed one {_REPEATS} times",
        _many(lambda _number: None, news=1),
        r"\{200\}, generating, one read a second",
        is_short=True,
    ),
    Probe(
        "callback",
        f"a signed one {_MANY_REPEATS:,} times",
        _many(lambda _number: None, news=1, times=_MANY_REPEATS),
        r"\{200\}, generating, one read a second",
    ),
    Probe(
        "callback",
        f"{_REPEATS} signed ones with other bodies",
        _many(lambda number: number, news=_NEWS),
        r"\{200\}, generating, one read a second",
    ),
    Probe("callback", "a forged signature, 10 times", _forged, r"\{401\}, generating, [01] reads"),
    Probe("callback", "a signed one with 15,000 values", _signed_with(lambda: [1] * 15_000), _REFUSED),
    Probe("callback", "a signed one with 100 levels", _signed_with(lambda: _nested(100)), _REFUSED),
    Probe("callback", "a signed one of 300 kB", _signed_with(lambda: "x" * 300_000), _REFUSED),
    Probe("callback", "no signature", _posted(b'{"data": {"taskId": "x"}}'), _REFUSED),
    Probe("callback", "a wrong token", _signed(lambda url: url[:-1]), _REFUSED),
    Probe("callback", "no token", _signed(lambda url: url.partition("?")[0]), _REFUSED),
    Probe("callback", "the token of another generation", _signed(_other_generation), _REFUSED),
    Probe("callback", "a token of 60 kB", _posted(b"{}", lambda url: url + "a" * 60_000), _REFUSED),
    Probe("callback", "a token with NUL", _posted(b"{}", lambda url: url + "%00"), _REFUSED),
    Probe("callback", "1 MiB of empty lists", _posted(b"[" + b"[]," * 300_000 + b"[]]"), _REFUSED),
    Probe("callback", "100,000 deep", _posted(b"[" * 100_000), _REFUSED),
    Probe("callback", "9,000 deep", _posted(b'{"data":' * 9_000 + b"1" + b"}" * 9_000), _REFUSED),
    Probe("callback", "a body of 8 MB", _posted(b'{"data": "' + b"x" * 8_000_000 + b'"}'), "(413|closed), generating"),
    Probe("callback", "an id with NUL", _posted(b'{"data": {"taskId": "a\\u0000b"}}'), _REFUSED),
    Probe("callback", "an id of 500 kB", _posted(b'{"data": {"taskId": "' + b"x" * 500_000 + b'"}}'), _REFUSED),
]
"""Every attack with callbacks."""
