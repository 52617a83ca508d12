"""Places orders cheaply: a few threads, one kept connection each, and only the standard library.

`place` and `place_at` work in this process. `Load` works in a separate process, so that the meter can tell its
processor time apart.
"""

import http.client
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.load.process import LoadProcess
from bench.subjects.protocols import Door

_TIMEOUT_SECONDS = 60.0


class OrderRefused(Exception):
    """A door did not answer 2xx. The text contains the answer."""


class Sender:
    """A kept connection to a door."""

    def __init__(self, door: Door) -> None:
        url = urlsplit(door.url)
        if url.scheme != "http" or url.hostname is None:
            raise ValueError("a door's URL begins with http:// and a host")
        self._connection = http.client.HTTPConnection(url.hostname, url.port, timeout=_TIMEOUT_SECONDS)
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._method = door.method
        self._body = None if door.method == "GET" else json.dumps(door.body).encode()
        self._headers = {"Content-Type": "application/json", **door.headers}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def send(self) -> bytes:
        """Place one order and return the answer's body.

        Raises:
            OrderRefused: the answer was not 2xx.
        """
        self._connection.request(self._method, self._target, self._body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if not 200 <= answer.status < 300:
            raise OrderRefused(f"{answer.status}: {content[:500].decode(errors='replace')}")
        return content


def place(door: Door, count: int, senders: int) -> list[float]:
    """Place `count` orders from `senders` senders. Each sender waits for an answer before its next order.

    Returns and raises the same as `place_at`.
    """
    return place_at([door] * senders, count)


def place_at(doors: Sequence[Door], count: int) -> list[float]:
    """Place `count` orders, with one sender for each door. Doors may repeat.

    Returns:
        The time to each order's answer, in seconds.

    Raises:
        OrderRefused: an answer was not 2xx.
    """
    shares = [count // len(doors) + (number < count % len(doors)) for number in range(len(doors))]
    with ThreadPoolExecutor(len(doors)) as pool:
        return [seconds for latencies in pool.map(_place_in_turn, doors, shares) for seconds in latencies]


def _place_in_turn(door: Door, count: int) -> list[float]:
    latencies = []
    with Sender(door) as sender:
        for _ in range(count):
            began = time.perf_counter()
            sender.send()
            latencies.append(time.perf_counter() - began)
    return latencies


class Load(LoadProcess):
    """`place_at` in a separate process. The process starts with the `with` block and waits for `go`."""

    def __init__(self, doors: Sequence[Door], count: int) -> None:
        super().__init__("bench.load.senders", {"doors": [asdict(door) for door in doors], "count": count})

    def go(self) -> None:
        """Start placing the orders and return at once."""
        self.tell("go")

    def latencies(self) -> list[float]:
        """Wait until every order is answered, and return the same as `place`.

        Raises:
            OrderRefused: an answer was not 2xx, or the process died.
        """
        answer = self.hear()
        if not isinstance(answer, list):
            raise OrderRefused(str(answer))
        return answer


def main() -> None:
    """Read a job, answer "ready", wait for a line, place the orders, answer with the latencies or an error."""
    job = json.loads(sys.stdin.readline())
    doors = [Door(**door) for door in job["doors"]]
    print(json.dumps("ready"), flush=True)
    if not sys.stdin.readline():
        return
    try:
        answer: object = place_at(doors, job["count"])
    except (OrderRefused, OSError, http.client.HTTPException) as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
