"""Compares HTTP servers: attacks on connections against one small application, run by each server.

`python -m drills.hostile.servers COMMAND …` starts the server with this command, in which {port} stands for the port.
`drills.hostile.servers:app` is the application. The page of the decision about servers has the commands.
"""

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile
from typing import Any

import psutil

from stack.ports import free_port

_HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
_POST = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
_MEBIBYTE = 1024**2
_FLOOD_SECONDS = 20.0
_HELD_SECONDS = 50.0
_HEALTH_EVERY_SECONDS = 0.02


async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """Answer 200 after the whole body."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def bounded(port: int) -> None:
    """Serve the application as the gateway is served."""
    import uvicorn

    from gateway.server import listeners, server_config
    from schemas.settings import Settings

    settings = Settings(_env_file=None, gateway_port=port)
    config = server_config("drills.hostile.servers:_app", settings)
    uvicorn.Server(config).run(listeners(config))


def _app() -> Callable[..., Any]:
    return app


def _flood(address: tuple[str, int], parts: Iterable[bytes]) -> str:
    """Send until the server ends the connection or the time is over."""
    taken, ends_at, answer = 0, time.monotonic() + _FLOOD_SECONDS, b""
    with socket.create_connection(address, timeout=_FLOOD_SECONDS) as connection:
        try:
            for part in takewhile(lambda _: time.monotonic() < ends_at, parts):
                connection.sendall(part)
                taken += len(part)
            connection.settimeout(max(ends_at - time.monotonic(), 1))
            answer = connection.recv(100)
        except TimeoutError:
            return f"still open after {taken / _MEBIBYTE:.1f} MiB and {_FLOOD_SECONDS:.0f} s"
        except OSError:
            with suppress(OSError):
                answer = connection.recv(100)
    says = answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/") else "closed"
    return f"{says} after {taken / _MEBIBYTE:.1f} MiB"


def _held(address: tuple[str, int], begin: bytes, drip: bytes = b"") -> str:
    """Hold 50 connections. Returns the time after which the server has ended them."""
    began = time.monotonic()
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(50)]
        for connection in held:
            connection.sendall(begin)
            connection.setblocking(False)
        while held and time.monotonic() - began < _HELD_SECONDS:
            time.sleep(0.5)
            held = [connection for connection in held if _is_open(connection, drip)]
        return (
            f"{len(held)} open after {_HELD_SECONDS:.0f} s" if held else f"cut after {time.monotonic() - began:.0f} s"
        )


def _is_open(connection: socket.socket, drip: bytes) -> bool:
    try:
        if drip:
            connection.send(drip)
        return bool(connection.recv(1000))
    except BlockingIOError:
        return True
    except OSError:
        return False


_FLOODS: dict[str, list[bytes]] = {
    "a header value of 300 MiB": [_HEAD + b"X: ", *[b"a" * 65536] * 4800],
    "1.2 million header lines": [_HEAD, *[b"X: y\r\n" * 10_000] * 120],
    "a head of 100 kB": [_HEAD + b"Cookie: " + b"a" * 100_000 + b"\r\n\r\n"],
}
_HOLDS: dict[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "half a head": (_HEAD, b""),
    "a dripped head": (_HEAD, b"X"),
    "half a body": (_POST + b" " * 500_000, b""),
    "a dripped body": (_POST, b" "),
}


@contextmanager
def _watched(port: int, process: psutil.Process) -> Iterator[list[str]]:
    """Print the worst answer of `/healthz` and the peak of memory of the block after its lines."""
    over, worst, peak = threading.Event(), 0.0, 0.0
    lines: list[str] = []

    def watch() -> None:
        nonlocal worst, peak
        while True:
            began = time.perf_counter()
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60).read()
            worst = max(worst, time.perf_counter() - began)
            every = (process, *process.children(recursive=True))
            peak = max(peak, sum(each.memory_info().rss for each in every))
            if over.wait(_HEALTH_EVERY_SECONDS):
                break

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lines
    finally:
        over.set()
        thread.join()
    print(f"{'; '.join(lines)} | healthz {worst * 1000:.0f} ms | {peak / _MEBIBYTE:.0f} MiB", flush=True)


def main(command: list[str]) -> None:
    """Start the server, attack it, and print a line for each attack."""
    port = free_port()
    address = ("127.0.0.1", port)
    words = [word.replace("{port}", str(port)) for word in command]
    with subprocess.Popen(words) as server:
        try:
            _wait_for(address)
            process = psutil.Process(server.pid)
            for name, parts in _FLOODS.items():
                with _watched(port, process) as lines:
                    lines.append(f"{name}: {_flood(address, parts)}")
            with _watched(port, process) as lines:
                threads = [
                    threading.Thread(
                        target=lambda n, b, d: lines.append(f"{n}: {_held(address, b, d)}"), args=(n, *hold)
                    )
                    for n, hold in _HOLDS.items()
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        finally:
            server.terminate()


def _wait_for(address: tuple[str, int]) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main(sys.argv[1:])
