"""Attacks with uploads: slow, many, large and odd ones, and uploads of other customers."""

import base64
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from uuid import uuid4

import httpx

from drills.hostile import pictures
from drills.hostile.connections import HALF_UPLOAD, connected
from drills.hostile.hosts import STORED_UPLOADS
from drills.hostile.probe import Probe
from drills.hostile.target import Account, Target

_MEBIBYTE = 1024**2
_PATH = "/v1/uploads"
_numbers = count()
# Before the gateway gives up a slow upload.
_PATIENCE_SECONDS = 20.0


def _send(target: Target, account: Account, body: bytes) -> httpx.Response:
    return target.http.post(_PATH, content=body, headers=account.headers)


def _status(build: Callable[[], bytes]) -> Callable[[Target], str]:
    return lambda target: str(_send(target, target.evil, build()).status_code)


def _picture() -> bytes:
    """A picture that was not uploaded before: equal files are one upload."""
    return pictures.png(16, 16) + f"{next(_numbers)} {uuid4()}".encode()


def _beside_dripped(target: Target) -> str:
    """An honest upload beside 16 dripped ones of another customer.

    An upload of the attacker's own may overtake the dripped ones and get a place. Another dripped one takes the place
    then, and a further upload must be refused.
    """
    with ExitStack() as stack:

        def drip() -> None:
            stack.enter_context(connected(target)).sendall(HALF_UPLOAD.replace(b"KEY", target.evil.key.encode()))

        for _ in range(16):
            drip()
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while (own := _send(target, target.evil, _picture()).status_code) == 201 and time.monotonic() < ends_at:
            drip()
            time.sleep(0.1)
        return f"{own}, another customer's {_send(target, target.good, _picture()).status_code}"


def _endless(target: Target) -> str:
    parts = pictures.endless(pictures.PNG_BEGIN, bytes(65_536), 200)
    try:
        return str(target.http.post(_PATH, content=parts, headers=target.evil.headers).status_code)
    except httpx.TransportError:
        return "closed"


def _at_once(target: Target) -> str:
    """Sixty-four uploads at the same time. The others are told to wait."""
    with ThreadPoolExecutor(64) as pool:
        statuses = Counter(pool.map(lambda _: _send(target, target.evil, _picture()).status_code, range(64)))
    return "some stored, the others 429" if statuses[201] and set(statuses) <= {201, 429} else str(dict(statuses))


def _of_another(target: Target) -> str:
    """Read, delete and order with the upload of another customer."""
    upload = _send(target, target.good, _picture()).json()
    path, headers = f"{_PATH}/{upload['id']}", target.evil.headers
    body = {"model": "gemini-3.1-flash-image", "prompt": "a boat", "image_urls": [upload["url"]]}
    statuses = [
        target.http.get(path, headers=headers).status_code,
        target.http.delete(path, headers=headers).status_code,
        target.http.post("/v1/generations", json=body, headers=headers).status_code,
    ]
    return " ".join(map(str, statuses))


def _without_credits(target: Target) -> str:
    """Order with a file in the request and without credits. Nothing of the order may be stored."""
    file = f"data:image/png;base64,{base64.b64encode(_picture()).decode()}"
    body = {"model": "gemini-3.1-flash-image", "prompt": "a boat", "image_urls": [file]}
    answer = target.http.post("/v1/generations", json=body, headers=target.poor.headers)
    return f"{answer.status_code}, {target.see(target.poor, '/v1/me')['uploads']['count']} stored"


def _quota(target: Target) -> str:
    """Upload until the quota refuses, and delete everything again."""
    stored: list[str] = []
    refused = None
    while refused is None and len(stored) <= STORED_UPLOADS:
        answer = _send(target, target.evil, _picture())
        if answer.is_success:
            stored.append(answer.headers["Location"])
        else:
            refused = answer.status_code
    for path in stored:
        target.http.delete(path, headers=target.evil.headers)
    return f"{refused} before {STORED_UPLOADS + 1}" if refused else f"{len(stored)} stored"


UPLOADS = [
    Probe(
        "upload",
        "one beside 16 dripped ones of another customer",
        _beside_dripped,
        "429, another customer's 201",
        is_short=True,
    ),
    Probe("upload", "a picture without end", _endless, "413|closed", is_short=True),
    Probe("upload", "64 at once", _at_once, "some stored, the others 429"),
    Probe("upload", "another customer's", _of_another, "404 404 (404|422)"),
    Probe(
        "upload", "a picture of 16 MiB and a byte", _status(lambda: pictures.PNG_BEGIN + bytes(16 * _MEBIBYTE)), "413"
    ),
    Probe("upload", "8100 x 8100 with 16 bits", _status(pictures.heavy_png), "201|413|422"),
    Probe("upload", "a picture with texts that unfold", _status(lambda: pictures.png_with_texts(500)), "201|413|422"),
    Probe("upload", "a WebP of 16383 x 16383", _status(lambda: pictures.webp(16383, 16383)), "201|422"),
    Probe("upload", "boxes 10,000 deep", _status(lambda: pictures.mp4_of_boxes(10_000)), "201|415|422"),
    Probe("upload", "a million boxes deep", _status(lambda: pictures.mp4_of_boxes(100_000)), "201|413|415|422"),
    Probe(
        "upload",
        "a video of 32 MiB of zeros",
        _status(lambda: pictures.mp4_of_boxes(1) + bytes(31 * _MEBIBYTE)),
        "201|413|415|422",
    ),
    Probe("upload", "an SVG", _status(lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), "415"),
    Probe("upload", "nothing", _status(lambda: b""), "415|422"),
    Probe("upload", "more than the quota", _quota, rf"403 before {STORED_UPLOADS + 1}"),
    Probe("upload", "an order with a file and no credits", _without_credits, "402, 0 stored", is_short=True),
    Probe("upload", "a packed picture", _status(lambda: pictures.gzip_bomb(64, pictures.PNG_BEGIN)), "415"),
]
"""Every attack with uploads."""
