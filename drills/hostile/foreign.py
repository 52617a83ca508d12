"""Attacks by vendors and by hosts of files: replies, results and inputs that are endless, packed, slow or wrong."""

import math
import time
from collections.abc import Callable

import httpx

from drills.hostile.answers import FILES, REPLIES
from drills.hostile.probe import Probe
from drills.hostile.target import Target
from media.decoder import FILES_AT_ONCE

_VENDORS_MODEL = "openai-compatible-image"
_MODEL_THAT_READS_INPUTS = "gemini-3.1-flash-image"
_DEADLINE_SECONDS = 10
_PATIENCE_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
# More than an account may have of threads and in its line (`tasks.threads`), in either process.
_SLOW_RESULTS = 40
_SLOW_REPLIES = 40
_SLOW_INPUTS = 16
# A slow answer is given up ten seconds after its beginning at the earliest. An order that waits for its end waits as
# long.
_NO_WAIT_SECONDS = 5.0
# A pause of the machine lengthens one run. A wait inside the system lengthens each of them.
_MOST_RUNS = 3
# The workers of the roles transfer and media have a decoder each, and some files are put off for seconds.
_SLOW_FILES = 3 * FILES_AT_ONCE
_MEBIBYTE = 1024**2
_GRACE_SECONDS = 2.0
# By then, the least rate has counted for a while, and no other limit.
_LEFT_WITHIN_SECONDS = 40.0
_WAITING = {"queued", "submitting", "downloading"}
_TERMINAL = {"completed", "failed", "cancelled"}

# An answer is "STAGE ERROR, N MiB, M private". Nothing may reach a private host. After a reply that says nothing, an
# order stays `submitting`, because the outcome of the create is unknown. After a bad file, an order tries again.
_SMALL = r"\d MiB, 0 private"
_ENDED = rf"(failed \w+|completed|queued|submitting|downloading), {_SMALL}"
_REPLY = rf"(failed \w+|submitting|queued), {_SMALL}"
# A picture has up to 256 MiB. The rest is in the buffers of the sockets.
_MOST_OF_A_PICTURE = r"failed \w+, (\d{1,2}|1\d\d|2[0-6]\d) MiB, 0 private"
_MOST_OF_AN_INPUT = r"failed \w+, [1-2]?\d MiB, 0 private"
_MOST_OF_A_REPLY = r"(failed \w+|submitting|queued), 1?\d MiB, 0 private"
# The vendor's answer may have a picture of 64 MiB, which is 85 MiB in base64.
_MOST_WITH_A_PICTURE = r"(failed \w+|submitting|queued), (\d{1,2}|10\d) MiB, 0 private"

_REPLIES = {
    "a body without end": _MOST_OF_A_REPLY,
    "a head without end": _MOST_OF_A_REPLY,
    "a picture without end": _MOST_WITH_A_PICTURE,
}
_WHOLE = {
    "a good picture": rf"completed, {_SMALL}",
    "a picture of 7 MiB": rf"completed, {_SMALL}",
    "a Content-Range that is no number": rf"completed, {_SMALL}",
    "a Content-Range of 5,000 digits": rf"completed, {_SMALL}",
}
_RESULTS = {
    **_WHOLE,
    "a body without end": _MOST_OF_A_PICTURE,
    "chunks without end": _MOST_OF_A_PICTURE,
}
_INPUTS = {
    **_WHOLE,
    "a body without end": _MOST_OF_AN_INPUT,
    "chunks without end": _MOST_OF_AN_INPUT,
}
# These hold a thread until the end of the attack, beside which another customer's order must complete.
_SLOW = ("a picture at bytes a second", "a silent host")
# Not among the inputs: only the sandbox would decode these, in the vendor's place.
_HEAVY = "8100 x 8100 with 16 bits"
_SLOW_TO_DECODE = "a JPEG of 15,000 scans"
# A file without a place in the decoder waits at least so long.
_DECODERS_PATIENCE_SECONDS = 2.0
_SLOW_REPLY = "a reply at bytes a second"
_SHORT = {"a gigabyte, announced", "a redirect to ::1"}
_SHORT_REPLIES = {"two layers of gzip", "our key in an error"}


def _ended(target: Target, path: str, name: str) -> str:
    """Wait until the order has ended, or waits for the next try after the attacker's answer. Returns the stage."""
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    answered, answered_at = 0, math.inf
    while time.monotonic() < ends_at:
        seen = target.see(target.evil, path)
        if seen["status"] in _TERMINAL:
            break
        if target.hosts.ended[name] > answered:
            answered, answered_at = target.hosts.ended[name], time.monotonic()
        if seen["stage"] in _WAITING and time.monotonic() > answered_at + _GRACE_SECONDS:
            break
        time.sleep(_LOOK_EVERY_SECONDS)
    error = seen["error"] or {"code": "", "message": ""}
    key = target.stack.settings.providers.named("openai_images").api_key.get_secret_value()
    told = " and quotes our key" if key in error["message"] else ""
    return f"{seen['stage']} {error['code']}".strip() + told


def _ordered(target: Target, name: str, **body: object) -> str:
    """Order something that brings the named answer of the attacker's servers. Returns what came of it."""
    hosts = target.hosts
    sent, private = hosts.sent_bytes[name], hosts.private_connections
    hosts.ended[name] = 0
    try:
        path = target.order(target.evil, deadline_seconds=_DEADLINE_SECONDS, **body)
    except httpx.HTTPStatusError as error:
        return str(error.response.status_code)
    stage = _ended(target, path, name)
    mebibytes = (hosts.sent_bytes[name] - sent) // max(hosts.ended[name], 1) // _MEBIBYTE
    return f"{stage}, {mebibytes} MiB, {hosts.private_connections - private} private"


def _reply(name: str) -> Callable[[Target], str]:
    return lambda target: _ordered(target, f"reply/{name}", model=_VENDORS_MODEL, prompt=f"reply {name}")


def _result(name: str) -> Callable[[Target], str]:
    return lambda target: _ordered(target, f"file/{name}", model=_VENDORS_MODEL, prompt=f"file {name}")


def _link(target: Target, name: str) -> str:
    return f"{target.hosts.url}/file/{name.replace(' ', '%20')}"


def _input(name: str) -> Callable[[Target], str]:
    return lambda target: _ordered(
        target, f"file/{name}", model=_MODEL_THAT_READS_INPUTS, prompt="a boat", image_urls=[_link(target, name)]
    )


def _eight(target: Target) -> str:
    """Eight heavy pictures at the same time."""
    paths = [target.order(target.evil, model=_VENDORS_MODEL, prompt=f"file {_HEAVY}") for _ in range(8)]
    ends = [_ended(target, path, f"file/{_HEAVY}") for path in paths]
    return f"{ends.count('completed')} of {len(ends)} completed"


def _many_slow(count: int, name: str, order: Callable[[Target], dict[str, object]]) -> Callable[[Target], str]:
    """Orders whose files or replies do not end, and beside them an honest order with an input picture.

    The honest order must complete before the system has given up a single slow answer: it waits for none of them. A
    slow machine may need more time for the order, with slow answers and without.
    """

    def once(target: Target) -> str:
        hosts, honest = target.hosts, _slow_input("a good picture")(target)
        usual = target.good_order(**honest)
        with hosts.slow():
            hosts.ended[name] = hosts.requests[name] = 0
            paths = [target.order(target.evil, **order(target)) for _ in range(count)]
            _wait_for(lambda: hosts.requests[name] > 0)
            seconds = target.good_order(**honest)
            given_up = hosts.ended[name]
            for path in paths:
                target.http.post(f"{path}/cancel", headers=target.evil.headers)
        if math.isinf(max(usual, seconds)):
            return "an honest order did not complete"
        return _WAIT if given_up and seconds > usual + _NO_WAIT_SECONDS else _NO_WAIT

    def attack(target: Target) -> str:
        runs = (once(target) for _ in range(_MOST_RUNS))
        return next((told for told in runs if told != _WAIT), _WAIT)

    return attack


def _one_slow(name: str, order: Callable[[Target], dict[str, object]]) -> Callable[[Target], str]:
    """One order whose file comes at bytes a second. The system must leave the file's host."""

    def attack(target: Target) -> str:
        hosts = target.hosts
        with hosts.slow():
            hosts.ended[name] = 0
            path = target.order(target.evil, **order(target))
            _wait_for(lambda: hosts.ended[name] > 0, seconds=_LEFT_WITHIN_SECONDS)
            is_left = hosts.ended[name] > 0
            target.http.post(f"{path}/cancel", headers=target.evil.headers)
        return "the host is left" if is_left else "the host is still read"

    return attack


def _slow_to_decode(target: Target) -> str:
    """More slow pictures than all decoders have places, and beside them an honest order, which waits for none."""
    name, stages = f"file/{_SLOW_TO_DECODE}", {"storing", *_TERMINAL}
    usual = target.good_order()
    paths = [
        target.order(target.evil, **_slow_vendor("file", _SLOW_TO_DECODE)(target)) for _ in range(_SLOW_FILES)
    ]  # fmt: skip
    _wait_for(lambda: all(target.see(target.evil, path)["stage"] in stages for path in paths))
    seconds = target.good_order()
    for path in paths:
        _ended(target, path, name)
    if math.isinf(seconds):
        return "an honest order did not complete"
    return "an honest order waited for a place" if seconds > usual + _DECODERS_PATIENCE_SECONDS else _NO_WAIT


_WAIT = "an honest order waited for a slow one"
_NO_WAIT = "an honest order did not wait"


def _wait_for(is_so: Callable[[], bool], *, seconds: float = _PATIENCE_SECONDS) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends_at:
        time.sleep(_LOOK_EVERY_SECONDS)


def _slow_input(name: str) -> Callable[[Target], dict[str, object]]:
    return lambda target: {
        "model": _MODEL_THAT_READS_INPUTS, "prompt": "a boat", "image_urls": [_link(target, name)]
    }  # fmt: skip


def _slow_vendor(kind: str, name: str) -> Callable[[Target], dict[str, object]]:
    return lambda _target: {"model": _VENDORS_MODEL, "prompt": f"{kind} {name}"}


FOREIGN = [
    *(
        Probe(
            "reply",
            name,
            _reply(name),
            _REPLIES.get(name, _REPLY),
            is_short=name in _SHORT_REPLIES,
        )
        for name in REPLIES
        if name != _SLOW_REPLY
    ),
    *(
        Probe("result", name, _result(name), _RESULTS.get(name, _ENDED), is_short=name in _SHORT)
        for name in FILES
        if name not in _SLOW
    ),
    *(
        Probe("input", name, _input(name), _INPUTS.get(name, _ENDED), is_short=name in _SHORT)
        for name in FILES
        if name not in {*_SLOW, _HEAVY, _SLOW_TO_DECODE}
    ),
    Probe("result", f"{_SLOW_FILES} pictures that decode slowly", _slow_to_decode, _NO_WAIT),
    Probe(
        "result",
        "a picture at bytes a second, to its end",
        _one_slow(f"file/{_SLOW[0]}", _slow_vendor("file", _SLOW[0])),
        "the host is left",
    ),
    Probe(
        "input",
        "a picture at bytes a second, to its end",
        _one_slow(f"file/{_SLOW[0]}", _slow_input(_SLOW[0])),
        "the host is left",
    ),
    Probe("result", "8 pictures of 8100 x 8100 with 16 bits at once", _eight, "8 of 8 completed"),
    *(
        Probe(
            "input",
            f"{_SLOW_INPUTS} orders with {name}",
            _many_slow(_SLOW_INPUTS, f"file/{name}", _slow_input(name)),
            _NO_WAIT,
            is_short=name == _SLOW[0],
        )
        for name in _SLOW
    ),
    *(
        Probe(
            "result",
            f"{_SLOW_RESULTS} orders with {name}",
            _many_slow(_SLOW_RESULTS, f"file/{name}", _slow_vendor("file", name)),
            _NO_WAIT,
        )
        for name in _SLOW
    ),
    Probe(
        "reply",
        f"{_SLOW_REPLIES} replies at bytes a second",
        _many_slow(_SLOW_REPLIES, f"reply/{_SLOW_REPLY}", _slow_vendor("reply", _SLOW_REPLY)),
        _NO_WAIT,
    ),
]
"""Every attack by a vendor or a host of files."""
