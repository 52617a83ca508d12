"""The answers of the attacker's server: files for results and inputs, and replies of a vendor."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

from drills.hostile import pictures
from drills.hostile.exchange import Exchange, chunked, head
from drills.hostile.pictures import PNG_BEGIN

Answer = Callable[[Exchange], None]

_MEBIBYTE = 1024**2
_BLOCK = bytes(65_536)
_PNG = "Content-Type: image/png"
_JSON = "Content-Type: application/json"
# Beyond the largest picture (256 MiB).
_ENDLESS_MEBIBYTES = 320
# Beyond the largest answer of a vendor (4 MiB), and of one with a picture (64 MiB, in base64 85 MiB).
_LONG_REPLY_MEBIBYTES = 96
_LONG_PICTURE_MEBIBYTES = 160


def _body(content: bytes, headers: str = _PNG) -> Answer:
    return lambda exchange: exchange.answer(content, headers=headers)


def _built(build: Callable[[], bytes], headers: str = _PNG) -> Answer:
    """An answer whose body is built at its first use."""
    return lambda exchange: exchange.answer(build(), headers=headers)


def _raw(*parts: bytes) -> Answer:
    return lambda exchange: exchange.send(*parts)


def _flood(begin: bytes, mebibytes: int, block: bytes = _BLOCK) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.send(begin)
        exchange.flood(block, most_bytes=mebibytes * _MEBIBYTE)

    return answer


def _dripped(begin: bytes) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.send(begin)
        exchange.drip()

    return answer


def _redirect(target: str) -> Answer:
    def answer(exchange: Exchange) -> None:
        url = target.format(url=exchange.url, port=exchange.private_port)
        exchange.answer(status="302 Found", headers=f"Location: {url}")

    return answer


def _cut(size: str) -> Answer:
    """Half a picture, and then the rest, which names this size of the whole."""
    whole = pictures.png(512, 512)

    def answer(exchange: Exchange) -> None:
        offset = exchange.offset()
        if offset:
            headers = f'ETag: "a"\r\nContent-Range: bytes {offset}-{len(whole) - 1}/{size}'
            exchange.answer(whole[offset:], status="206 Partial Content", headers=headers)
        else:
            exchange.send(head(f'{_PNG}\r\nETag: "a"\r\nContent-Length: {len(whole)}'), whole[: len(whole) // 2])

    return answer


def _endless_chunks(exchange: Exchange) -> None:
    exchange.send(head(f"{_PNG}\r\nTransfer-Encoding: chunked"))
    for part in chunked(pictures.endless(PNG_BEGIN, _BLOCK, _ENDLESS_MEBIBYTES)):
        exchange.send(part)


FILES: Final[Mapping[str, Answer]] = {
    "a good picture": _built(lambda: pictures.png(64, 64)),
    "a picture of 7 MiB": _built(pictures.long_png),
    "a body without end": _flood(head(_PNG) + PNG_BEGIN, _ENDLESS_MEBIBYTES),
    "chunks without end": _endless_chunks,
    "a gigabyte, announced": _flood(head(f"{_PNG}\r\nContent-Length: {1024**3}") + PNG_BEGIN, 1024),
    "a Content-Length of 10^30": _raw(head(f"{_PNG}\r\nContent-Length: 1{'0' * 30}"), PNG_BEGIN),
    "a Content-Length below zero": _raw(head(f"{_PNG}\r\nContent-Length: -1"), PNG_BEGIN),
    "a Content-Length that is no number": _raw(head(f"{_PNG}\r\nContent-Length: \N{SUPERSCRIPT TWO}"), PNG_BEGIN),
    "a Content-Range that is no number": _cut("\N{SUPERSCRIPT TWO}"),
    "a Content-Range of 5,000 digits": _cut("9" * 5000),
    "two layers of gzip": _built(lambda: pictures.double_bomb(1024), f"{_PNG}\r\nContent-Encoding: gzip, gzip"),
    "one layer of gzip that unfolds": _built(
        lambda: pictures.gzip_bomb(1024, PNG_BEGIN), f"{_PNG}\r\nContent-Encoding: gzip"
    ),
    "an encoding that we did not ask for": _body(b"\x8b" * 1000, f"{_PNG}\r\nContent-Encoding: br"),
    "a head without end": _flood(b"HTTP/1.1 200 OK\r\nX: ", 64),
    "100,000 header lines": _flood(b"HTTP/1.1 200 OK\r\n", 1, b"X: y\r\n" * 1000),
    "a redirect to itself": _redirect("{url}/file/a%20redirect%20to%20itself"),
    "a redirect to ::1": _redirect("http://[::1]:{port}/x.png"),
    "a redirect to ::1 in other words": _redirect("http://[0:0:0:0:0:0:0:1]:{port}/x.png"),
    "a redirect to a file": _redirect("file:///etc/passwd"),
    "a redirect to the metadata service": _redirect("http://169.254.169.254/latest/meta-data/"),
    "a page": _body(b"<html><script>alert(1)</script></html>", "Content-Type: text/html"),
    "an SVG": _body(b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "Content-Type: image/svg+xml"),
    "nothing": _body(b""),
    "half a picture": _built(lambda: pictures.png(512, 512)[:400]),
    "a picture without rows": _built(lambda: pictures.png(512, 512, rows=0)),
    "8100 x 8100 with 16 bits": _built(pictures.heavy_png),
    "a picture of 2^31 pixels a side": _built(lambda: pictures.png(2**31 - 1, 2**31 - 1, rows=0)[:60]),
    "a picture with texts that unfold": _built(lambda: pictures.png_with_texts(500)),
    "a WebP of 16383 x 16383": _built(lambda: pictures.webp(16383, 16383)),
    "a JPEG of 65500 x 65500": _built(lambda: pictures.jpeg(65500, 65500)),
    "a JPEG of 15,000 scans": _built(lambda: pictures.slow_jpeg(3000, 15_000)),
    "a GIF of 100,000 frames": _built(lambda: pictures.gif(4000, 4000, 100_000)),
    "a video": _built(lambda: pictures.mp4_of_boxes(3)),
    "boxes 10,000 deep": _built(lambda: pictures.mp4_of_boxes(10_000)),
    "a picture at bytes a second": _dripped(head(f"{_PNG}\r\nContent-Length: 100000") + PNG_BEGIN),
    "a silent host": Exchange.stay_silent,
}
"""What a link of the attacker's leads to."""


def _json(value: object) -> Answer:
    return _body(json.dumps(value).encode(), _JSON)


def _link(url: object) -> Answer:
    return _json({"data": [{"url": url}]})


def _picture_in_answer(exchange: Exchange) -> None:
    """A picture in base64, longer than the longest kept file."""
    exchange.send(head(_JSON), b'{"data":[{"b64_json":"')
    exchange.flood(
        base64.b64encode(PNG_BEGIN + bytes(3 * 10_000 - len(PNG_BEGIN))), most_bytes=_LONG_PICTURE_MEBIBYTES * _MEBIBYTE
    )


def _gzip(build: Callable[[], bytes], encoding: str) -> Answer:
    return _built(build, f"{_JSON}\r\nContent-Encoding: {encoding}")


REPLIES: Final[Mapping[str, Answer]] = {
    "two layers of gzip": _gzip(lambda: pictures.double_bomb(1024), "gzip, gzip"),
    "two layers of gzip in two headers": _gzip(
        lambda: pictures.double_bomb(1024), "gzip\r\nContent-Encoding: gzip"
    ),
    "one layer of gzip that unfolds": _gzip(lambda: pictures.gzip_bomb(1024, b'{"data": "'), "gzip"),
    "deflate": _gzip(lambda: pictures.gzip_bomb(64), "deflate"),
    "br": _gzip(lambda: b"\x8b" * 1000, "br"),
    "a body without end": _flood(head(_JSON) + b'{"data": "', _LONG_REPLY_MEBIBYTES),
    "a picture without end": _picture_in_answer,
    "3 MiB of empty lists": _body(b"[" + b"[]," * _MEBIBYTE + b"[]]", _JSON),
    "a million lists deep": _body(b"[" * 10**6, _JSON),
    "a million keys": _built(lambda: json.dumps({f"k{number}": 1 for number in range(250_000)}).encode(), _JSON),
    "a number of a million digits": _body(b'{"data": ' + b"9" * 10**6 + b"}", _JSON),
    "NaN": _body(b'{"data": NaN}', _JSON),
    "bytes that are no text": _body(bytes(range(128, 256)), _JSON),
    "no list": _json({"data": 5}),
    "a link that is a number": _link(5),
    "a link to ::1": lambda exchange: _link(f"http://[::1]:{exchange.private_port}/x.png")(exchange),
    "a link to the metadata service": _link("http://169.254.169.254/latest/meta-data/"),
    "a link to a file": _link("file:///etc/passwd"),
    "a link of 3 MiB": _link("http://127.0.0.2/" + "a" * 3 * _MEBIBYTE),
    "a data: URI of 3 MiB": _link("data:image/png;base64," + "A" * 3 * _MEBIBYTE),
    "a head without end": _flood(b"HTTP/1.1 200 OK\r\nX: ", 64),
    "100 Continue without end": _flood(b"", 4, b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "a chunk of 16^15 bytes": _raw(head(f"{_JSON}\r\nTransfer-Encoding: chunked"), b"fffffffffffffff\r\n{"),
    "the status 999": lambda exchange: exchange.answer(b"{}", status="999 Odd", headers=_JSON),
    "a redirect to ::1": _redirect("http://[::1]:{port}/v1"),
    "bytes that are no HTTP": _raw(b"\x16\x03\x01" * 1000),
    "an error of 3 MiB": lambda exchange: exchange.answer(
        json.dumps({"error": {"message": "z" * 3 * _MEBIBYTE}}).encode(), status="400 Bad Request", headers=_JSON
    ),
    "our key in an error": lambda exchange: exchange.answer(
        json.dumps({"error": {"message": f"bad key: {_authorization(exchange)}"}}).encode(),
        status="400 Bad Request",
        headers=_JSON,
    ),
    "a reply at bytes a second": _dripped(head(_JSON) + b'{"data": "'),
}  # fmt: skip
"""What the attacker's vendor answers to a create."""


def _authorization(exchange: Exchange) -> str:
    """The key that the request brings."""
    found = re.search(rb"\r\nauthorization: bearer ([^\r]+)", exchange.head, re.IGNORECASE)
    return found[1].decode() if found else ""
