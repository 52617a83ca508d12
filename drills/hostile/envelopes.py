"""Attacks with plain envelopes at the Redis door: wrong values in each field, and answers into places of others."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from drills.hostile.messages import WRONG, pushed
from drills.hostile.probe import Probe
from drills.hostile.target import Target

_ANSWER_SECONDS = 60.0
# A refusal quotes a part of a long name, once.
_MOST_ANSWER_BYTES = 2 * 1024
_LONG = "z" * 5000
_SHORT = {"an answer into an inner queue"}


def _envelope(**changes: object) -> dict[str, Any]:
    """An envelope of an order that no catalogue takes, with changes."""
    arguments = {"customer_id": "a customer", "request": {"prompt": "a prompt"}}
    return {"operation": "generation.enqueue", "id": str(uuid4()), "arguments": arguments, **changes}


def _probe(name: str, allowed: str, **changes: object) -> Probe:
    """An envelope that is refused."""
    return Probe("redis", f"plain: {name}", _refused(changes), allowed, is_short=name in _SHORT)


def _of_every_type(field: str) -> Probe:
    raw = [json.dumps(_envelope(**{field: value})) for value in WRONG]
    return Probe("redis", f"plain: {field} of every wrong type", lambda target: pushed(target, *raw), "taken")


def _refused(changes: Mapping[str, object]) -> Callable[[Target], str]:
    """Send an envelope. Returns the reason of its refusal, and whether the answer is short."""

    def attack(target: Target) -> str:
        envelope = _envelope(**changes)
        target.redis.lpush("requests", json.dumps(envelope))
        ends_at = time.monotonic() + _ANSWER_SECONDS
        while (answer := target.redis.get(f"reelworks:answer:{envelope['id']}")) is None:
            if time.monotonic() > ends_at:
                return "no answer"
            time.sleep(0.02)
        detail = json.loads(answer)["answer"]["error"]["detail"]
        return f"{'short' if len(answer) <= _MOST_ANSWER_BYTES else len(answer)}: {detail[:60]}"

    return attack


_NO_PLACE = "short: reply_to must be .*"
_FIELDS = ("operation", "id", "arguments", "reply_to", "expires", "signature")
_FORGED = {"key": "a", "timestamp": 1, "hmac": "b"}

ENVELOPES = [
    *(_of_every_type(field) for field in _FIELDS),
    _probe("an answer into an inner queue", _NO_PLACE, reply_to={"list": "submit"}),
    _probe("an answer into the stream of events", _NO_PLACE, reply_to={"stream": "reelworks:events"}),
    _probe("an answer into two places", _NO_PLACE, reply_to={"list": "reelworks:answers:a", "stream": "b"}),
    _probe("an order for another day", "short: .*without eta.*", eta="2099-01-01T00:00:00Z"),
    _probe("a field with a name of 5,000 characters", "short: an envelope has .*", **{_LONG: 1}),
    _probe("an operation with a name of 5,000 characters", "short: .*takes .*", operation=_LONG),
    _probe("a forged signature", "short: .*(signature|key).*", arguments="{}", signature=_FORGED),
]
"""Every attack with a plain envelope."""
