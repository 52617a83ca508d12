"""Attacks with whole requests: ranges, fields that answers could quote, methods, other names of this machine."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

import httpx

from drills.hostile.probe import Probe
from drills.hostile.target import Target

_MOST_QUOTED = 200
_MARK = "z"
LONG = _MARK * 5000
"""A text of the attacker's."""

_ORDER = {"model": "nano-banana", "prompt": "a boat"}
_UUID = "00000000-0000-0000-0000-000000000001"


def _call(
    method: str, path: str, *, headers: Mapping[str, str] | None = None, body: object = None
) -> Callable[[Target], str]:
    """Send a request. Returns the status, and how much of the request the answer quotes."""

    def attack(target: Target) -> str:
        try:
            answer = target.http.request(method, path, json=body, headers={**target.evil.headers, **(headers or {})})
        except httpx.TransportError as error:
            return f"closed ({type(error).__name__})"
        return f"{answer.status_code}, {quoted(answer)}"

    return attack


def quoted(answer: httpx.Response) -> str:
    """How much of the attacker's text an answer repeats."""
    texts = [answer.text, *answer.headers.values()]
    longest = max(len(found) for text in texts for found in re.findall(f"{_MARK}*", text))
    return "short" if longest <= _MOST_QUOTED else f"quotes {longest}"


def _allow(path: str) -> Callable[[Target], str]:
    """Ask with a method that no path has. The answer names the methods of the path."""

    def attack(target: Target) -> str:
        answer = target.http.request("PATCH", path, headers=target.evil.headers)
        return f"{answer.status_code} {answer.headers.get('allow', 'no Allow')}"

    return attack


def _range(value: str) -> Callable[[Target], str]:
    """Ask for ranges of a stored picture."""

    def attack(target: Target) -> str:
        path = target.order(target.evil, model="nano-banana", prompt="a boat")
        while target.see(target.evil, path)["status"] not in {"completed", "failed"}:
            pass
        answer = target.http.get(
            f"{path}/content", headers={**target.evil.headers, "Range": value}, follow_redirects=True
        )
        return f"{answer.status_code}, {quoted(answer)}"

    return attack


def _flower(host: str) -> Callable[[Target], str]:
    def attack(target: Target) -> str:
        answer = httpx.get(f"{target.stack.flower_url}/", headers={"Host": host}, trust_env=False, timeout=30)
        return str(answer.status_code)

    return attack


def _order_with(**changes: object) -> Callable[[Target], str]:
    return _call("POST", "/v1/generations", body={**_ORDER, **changes})


_REFUSED = "(400|401|404|405|413|414|422|431), short"

REQUESTS = [
    *(
        Probe("request", f"{name} of 5,000 characters", _order_with(**{name: LONG}), _REFUSED, is_short=name == "model")
        for name in ("model", "aspect_ratio", "resolution", "style", "output_format", "seed", "deadline_seconds")
    ),
    Probe("request", "a field with a name of 5,000 characters", _order_with(**{LONG: 1}), _REFUSED, is_short=True),
    Probe(
        "request",
        "1,000 fields that do not exist",
        _order_with(**{f"{LONG[:99]}{n}": n for n in range(1000)}),
        _REFUSED,
    ),
    Probe("request", "1,000 links that are none", _order_with(image_urls=[LONG] * 100), _REFUSED),
    Probe("request", "an id of 5,000 characters", _call("GET", f"/v1/generations/{LONG}"), _REFUSED),
    Probe("request", "a path of 5,000 characters", _call("GET", f"/{LONG}"), _REFUSED),
    # The line of the log shows the path, and must not cost more than the request.
    Probe(
        "request",
        "a path of 4,000 escaped queries",
        _call("GET", f"/{'%253Fa' * 4_000}"),
        f"{_REFUSED}|closed.*",
        is_short=True,
    ),
    Probe("request", "a path of 10,000 escaped queries", _call("GET", f"/{'%253Fa' * 10_000}"), f"{_REFUSED}|closed.*"),
    Probe("request", "a model of 5,000 characters in a path", _call("GET", f"/v1/models/{LONG}"), _REFUSED),
    Probe("request", "a provider of 5,000 characters", _call("POST", f"/webhooks/{LONG}"), _REFUSED),
    Probe(
        "request",
        "an idempotency key of 5,000 characters",
        _call("POST", "/v1/generations", body=_ORDER, headers={"Idempotency-Key": LONG}),
        _REFUSED,
    ),
    Probe(
        "request",
        "a request id of 5,000 characters",
        _call("GET", "/v1/credits", headers={"X-Request-ID": LONG}),
        "(200|400), short",
    ),
    Probe("request", "a key of 5,000 characters", _call("GET", "/v1/credits", headers={"X-API-Key": LONG}), _REFUSED),
    Probe("request", "a path out of the folder", _call("GET", "/docs/../../etc/passwd"), "404, short"),
    Probe(
        "request",
        "an escaped path out of the folder",
        _call("GET", f"/static/{quote('../../etc/passwd', safe='')}"),
        "404, short",
    ),
    Probe(
        "request",
        "an input link without a signature",
        _call("GET", f"/inputs/{_UUID}/{_UUID}.png"),
        "(401|403|404|422), short",
    ),
    Probe(
        "request",
        "a range of a stored file 10,000 times",
        _range("bytes=" + ",".join(["0-0"] * 10_000)),
        "(200|206|416), short",
    ),
    Probe("request", "a range of 5,000 digits", _range(f"bytes={'9' * 5000}-"), "(200|206|416), short"),
    Probe("request", "a range that is no number", _range("bytes=a-b"), "(200|416), short"),
    Probe("request", "TRACE", _call("TRACE", "/v1/generations"), "405, short"),
    Probe("request", "CONNECT", _call("OPTIONS", "*"), "(400|404|405), short"),
    Probe(
        "request", "another method on orders", _allow("/v1/generations"), "405 POST|405 GET, HEAD, POST", is_short=True
    ),
    Probe("request", "another method on a page", _allow("/docs"), "405 GET, HEAD", is_short=True),
    Probe("request", "another method on nothing", _allow("/v1/nothing"), "404 no Allow"),
    Probe("flower", "the name of a stranger", _flower("evil.example"), "401|403", is_short=True),
    Probe("flower", "a name that begins with ours", _flower("127.0.0.1.evil.example"), "401|403"),
    Probe("flower", "no name", _flower(""), "400|401|403"),
]
"""Every attack with a request."""
