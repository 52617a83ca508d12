"""Attacks with bodies: large, deep, wrong and forged ones, at each door that takes one, with and without a key."""

import base64
import gzip
import json
from uuid import UUID

import httpx

from drills.hostile.probe import Probe
from drills.hostile.target import Target

_MEBIBYTE = 1024**2
_PATHS = (
    "/v1/generations",
    "/v1/uploads",
    "/mcp",
    f"/callbacks/kie/{UUID(int=1)}?t=guessed",
    "/webhooks/kie",
    "/webhooks/fal",
    "/webhooks/replicate",
)
_WITH_KEY = ("/v1", "/mcp")
_JSON = "application/json"
# The door for agents refuses a client that takes less.
_TAKES = {"Accept": "application/json, text/event-stream"}
_SHORT_PATHS = {"/v1/generations"}
_SHORT = {"1 MiB of empty lists"}

_BODIES: dict[str, tuple[str, bytes]] = {
    "1 MiB of empty lists": (_JSON, b"[" + b"[]," * (_MEBIBYTE // 3) + b"[]]"),
    "1 MiB of numbers": (_JSON, b"[" + b"1," * (_MEBIBYTE // 2 - 2) + b"1]"),
    "1 MiB of empty objects": (_JSON, b'{"image_urls":[' + b"{}," * (_MEBIBYTE // 3 - 8) + b"{}]}"),
    "100,000 deep": (_JSON, b"[" * 100_000 + b"]" * 100_000),
    "10,000 deep": (_JSON, b'{"a":' * 9_000 + b"1" + b"}" * 9_000),
    "50,000 keys": (_JSON, json.dumps({f"k{number}": 1 for number in range(50_000)}).encode()),
    "a number of a million digits": (_JSON, b'{"seed": ' + b"9" * 1_000_000 + b"}"),
    "a prompt of 8 MB": (_JSON, json.dumps({"model": "nano-banana", "prompt": "x" * 8_000_000}).encode()),
    "gzip of 1 GiB of zeros": (_JSON, gzip.compress(gzip.compress(bytes(64 * _MEBIBYTE)) * 16)),
    "a form": ("multipart/form-data; boundary=x", b"--x\r\n" * 100_000),
    "an image of 20 MB": ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(20 * _MEBIBYTE)),
    "a picture that unfolds": ("image/png", b"\x89PNG\r\n\x1a\n" + base64.b64decode("AAAADUlIRFIAAH//AAB//xAGAAAA")),
    "lone surrogates": (_JSON, b'{"model": "nano-banana", "prompt": "\\ud83d", "style": "\\ud83d"}'),
    "bytes that are no text": (_JSON, bytes(range(128, 256)) * 100),
}


def _post(target: Target, path: str, content_type: str, body: bytes, *, with_key: bool) -> str:
    headers = {"Content-Type": content_type, **_TAKES, **({"X-API-Key": target.evil.key} if with_key else {})}
    try:
        with httpx.Client(base_url=target.http.base_url, timeout=30, trust_env=False) as client:
            return str(client.post(path, content=body, headers=headers).status_code)
    except httpx.TransportError as error:
        return f"closed ({type(error).__name__})"


# FastAPI would need a second for these, so they are refused before they are parsed.
_COUNTED = {"1 MiB of empty lists", "1 MiB of numbers", "1 MiB of empty objects", "100,000 deep", "50,000 keys"}
# The announced length is too large for this path.
_TOO_LARGE = {"an image of 20 MB"}
_TOO_LARGE_MESSAGES = {*_TOO_LARGE, "a prompt of 8 MB"}


def _allowed(path: str, name: str, *, with_key: bool) -> str:
    if not path.startswith(_WITH_KEY):
        # A callback without a token or a signature. A body above 1 MiB is refused by its length.
        return "401|413"
    if path == "/v1/uploads":
        return "201|413|415" if with_key else "401"
    if not with_key:
        return "401"
    if name in (_TOO_LARGE_MESSAGES if path == "/mcp" else _TOO_LARGE):
        return "413"
    return "413" if name in _COUNTED else "400|413|415|422"


def _probe(path: str, name: str, *, with_key: bool) -> Probe:
    content_type, body = _BODIES[name]
    return Probe(
        "body",
        f"{name} to {path.partition('?')[0]}, {'a' if with_key else 'no'} key",
        lambda target: _post(target, path, content_type, body, with_key=with_key),
        _allowed(path, name, with_key=with_key),
        is_short=path in _SHORT_PATHS and name in _SHORT,
    )


BODIES = [
    _probe(path, name, with_key=with_key)
    for path in _PATHS
    for name in _BODIES
    for with_key in ((False, True) if path.startswith(_WITH_KEY) else (False,))
]
