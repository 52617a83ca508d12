"""Attacks on the door for agents: messages, sessions, waits, files, and the ids of another tenant."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import httpx

from drills.hostile.connections import connected, dripped
from drills.hostile.probe import Probe
from drills.hostile.requests import LONG, quoted
from drills.hostile.target import Target

_PATH = "/mcp"
_OLD, _NEW = "2025-11-25", "2026-07-28"
_TAKES = {"Accept": "application/json, text/event-stream"}
_AT_ONCE = 64
_PATIENCE_SECONDS = 30.0


def _envelope() -> dict[str, Any]:
    """What a request of the stateless protocol says of its client."""
    names = {"protocolVersion": _NEW, "clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}}
    return {f"io.modelcontextprotocol/{name}": value for name, value in names.items()}


def _message(method: str, params: Mapping[str, Any], version: str) -> dict[str, Any]:
    meta = {"_meta": {**(_envelope() if version == _NEW else {}), **params.get("_meta", {})}}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, **meta}}


def _headers(target: Target, message: object, version: str) -> dict[str, str]:
    """The headers of a message, of which the stateless protocol repeats the method and the name."""
    headers = {**_TAKES, **target.evil.headers, "MCP-Protocol-Version": version}
    if version != _NEW or not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return headers
    params = message.get("params")
    params = params if isinstance(params, dict) else {}
    name = params.get("name") or params.get("uri") or params.get("taskId")
    return {**headers, "Mcp-Method": message["method"], **({"Mcp-Name": str(name)} if name else {})}


def _send(
    target: Target,
    message: object,
    version: str,
    more: Mapping[str, str] = MappingProxyType({}),
    *,
    timeout: float = _PATIENCE_SECONDS,
) -> httpx.Response:
    headers = {**_headers(target, message, version), **more}
    return target.http.post(_PATH, json=message, headers=headers, timeout=timeout)


def _raw(target: Target, message: object) -> bytes:
    """A whole request, for a connection of the attack's own."""
    body = json.dumps(message).encode()
    fields = {"Host": "x", "Content-Type": "application/json", "Content-Length": len(body)}
    lines = [f"{name}: {value}" for name, value in {**fields, **_headers(target, None, _OLD)}.items()]
    return "\r\n".join([f"POST {_PATH} HTTP/1.1", *lines, "", ""]).encode() + body


def _document(answer: httpx.Response) -> Any:
    """The JSON of an answer, which may be the last event of a stream."""
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
    return json.loads(events[-1] if events else answer.text or "null")


def _told(answer: httpx.Response) -> str:
    """The status, how the message ended, and how much of the message the answer repeats."""
    found = _document(answer)
    how = "nothing"
    if isinstance(found, dict):
        error = found.get("error")
        how = f"error {error['code']}" if error else "refused" if found.get("result", found).get("isError") else "done"
    return f"{answer.status_code} {how}, {quoted(answer)}"


def _sent(message: object, version: str, **headers: str) -> Callable[[Target], str]:
    return lambda target: _told(_send(target, message, version, headers))


def _called(method: str, params: Mapping[str, Any], version: str) -> Callable[[Target], str]:
    return _sent(_message(method, params, version), version)


def _tool(name: str, version: str = _OLD, **arguments: Any) -> dict[str, Any]:
    return _message("tools/call", {"name": name, "arguments": arguments}, version)


_LIST = _message("tools/list", {}, _OLD)
_ORDER = {"model": "nano-banana", "prompt": "a boat"}

_MESSAGES: dict[str, object] = {
    "a batch of 100": [_LIST] * 100,
    "a batch of nothing": [],
    "a text": "tools/list",
    "nothing": None,
    "no version of JSON-RPC": {"id": 1, "method": "tools/list"},
    "a method that is a number": {**_LIST, "method": 5},
    "a method of 5,000 characters": {**_LIST, "method": LONG},
    "an id of 5,000 characters": {**_LIST, "id": LONG},
    "an id that is a list": {**_LIST, "id": [1]},
    "parameters that are a list": {**_LIST, "params": [1]},
    "a progress token of 5,000 characters": _message("tools/list", {"_meta": {"progressToken": LONG}}, _OLD),
}
"""Messages that are none."""

_REFUSED_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "a tool of 5,000 characters": ("tools/call", {"name": LONG}),
    "a tool that is a list": ("tools/call", {"name": []}),
    "an argument with a name of 5,000 characters": (
        "tools/call", {"name": "generate_image", "arguments": {**_ORDER, LONG: 1}},
    ),
    "5,000 arguments that do not exist": (
        "tools/call", {"name": "generate_image", "arguments": {f"{LONG[:99]}{n}": n for n in range(5000)}},
    ),
    "an id of 5,000 characters for a tool": (
        "tools/call", {"name": "get_generation", "arguments": {"generation_id": LONG}},
    ),
    "a model of 5,000 characters": (
        "tools/call", {"name": "generate_image", "arguments": {**_ORDER, "model": LONG}},
    ),
    "a resource of 5,000 characters": ("resources/read", {"uri": f"reelworks://generations/{LONG}/content"}),
    "a resource out of the folder": ("resources/read", {"uri": "reelworks://generations/../../etc/passwd/content"}),
    "a file as a resource": ("resources/read", {"uri": "file:///etc/passwd"}),
    "a method that does not exist": ("sampling/createMessage", {"messages": []}),
    "a task of 5,000 characters": ("tasks/get", {"taskId": LONG}),
}  # fmt: skip
"""Calls that nothing can serve."""


def _hello(target: Target, _: int) -> int:
    hello = {"protocolVersion": _OLD, "capabilities": {}, "clientInfo": {"name": "evil", "version": "1"}}
    return _send(target, _message("initialize", hello, _OLD), _OLD).status_code


def _sessions(count: int) -> Callable[[Target], str]:
    """Begin sessions that are never used again."""

    def attack(target: Target) -> str:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            statuses = Counter(pool.map(lambda number: _hello(target, number), range(count)))
        return " ".join(f"{status} x {times}" for status, times in sorted(statuses.items()))

    return attack


def _scheduled(target: Target) -> str:
    """The id of an order that does not begin today."""
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return target.order(target.evil, **_ORDER, not_before=later).rpartition("/")[2]


def _waits(count: int, method: str, params_of: Callable[[str], dict[str, Any]]) -> Callable[[Target], str]:
    """Wait for one order on many connections, and hang up. Afterwards, a wait must have a place again."""

    def attack(target: Target) -> str:
        name = _scheduled(target)
        message = _message(method, params_of(name), _OLD)
        request = _raw(target, message)
        with ExitStack() as held:

            def wait() -> None:
                held.enter_context(connected(target)).sendall(request)

            for _ in range(count):
                wait()
            refused = _refused(target, message, wait)
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        is_free = False
        while not is_free and time.monotonic() < ends_at:
            again = _told(_send(target, _tool("wait_for_generation", generation_id=name, seconds=1), _OLD))
            is_free = again.startswith("200 done")
        target.http.post(f"/v1/generations/{name}/cancel", headers=target.evil.headers)
        return f"{refused}; {'a place is free again' if is_free else 'no place is free'}"

    return attack


def _refused(target: Target, message: object, wait: Callable[[], None]) -> str:
    """How a wait ends that finds every place taken.

    The wait may overtake others and get a place. Another wait takes the place then, and a further one must be refused.
    """
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        with suppress(httpx.ReadTimeout):
            return _told(_send(target, message, _OLD, timeout=5.0))
        wait()
    return "waits, too"


def _of_wait(name: str) -> dict[str, Any]:
    return {"name": "wait_for_generation", "arguments": {"generation_id": name, "seconds": 50}}


def _large_result(target: Target) -> str:
    """The id of a completed order whose file is just small enough for a resource."""
    path = target.order(target.evil, model="openai-compatible-image", prompt="file a picture of 7 MiB")
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    while target.see(target.evil, path)["status"] != "completed" and time.monotonic() < ends_at:
        time.sleep(0.05)
    return path.rpartition("/")[2]


def _reads(target: Target) -> str:
    """Read a large file many times at once. Some reads are refused, so that the others fit into memory."""
    message = _message("resources/read", {"uri": f"reelworks://generations/{_large_result(target)}/content"}, _OLD)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = Counter(pool.map(lambda _: _told(_send(target, message, _OLD)), range(_AT_ONCE)))
    return "some read, the others refused" if len(told) > 1 and told["200 done, short"] else str(dict(told))


def _unread(target: Target) -> str:
    """Ask for a large file on many connections, and read no answer."""
    name = _large_result(target)
    request = _raw(target, _message("resources/read", {"uri": f"reelworks://generations/{name}/content"}, _OLD))
    with ExitStack() as held:
        for _ in range(_AT_ONCE):
            held.enter_context(connected(target)).sendall(request)
        time.sleep(3)
    return "none read"


def _of_another(version: str) -> Callable[[Target], str]:
    """Call every tool and method that takes an id with that of another customer."""

    def attack(target: Target) -> str:
        name = target.order(target.good, **_ORDER).rpartition("/")[2]
        tools = ("get_generation", "wait_for_generation", "cancel_generation", "extend_video")
        messages = [
            *(_tool(tool, version, generation_id=name, **({"prompt": "on"} if tool == "extend_video" else {}))
              for tool in tools),
            *(_message("resources/read", {"uri": f"reelworks://generations/{name}/{part}"}, version)
              for part in ("content", "thumbnail")),
            *(_message(method, {"taskId": name}, version) for method in ("tasks/get", "tasks/cancel")),
        ]  # fmt: skip
        told = {_told(_send(target, message, version)) for message in messages}
        kept = target.see(target.good, f"/v1/generations/{name}")["cancel_requested_at"] is None
        return f"{' and '.join(sorted(told))}; {'untouched' if kept else 'cancelled'}"

    return attack


_HEAD = b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_HALF = _HEAD + b'X-API-Key: KEY\r\nContent-Length: 1000000\r\n\r\n{"jsonrpc": "2.0", "method": "'
_SHORT_MESSAGES = {"a batch of 100", "a progress token of 5,000 characters", "a method of 5,000 characters"}

MCP = [
    *(
        Probe("mcp", f"{name}, {version}", _sent(message, version), "400 error -32[67]00, short",
              is_short=name in _SHORT_MESSAGES)
        for version in (_OLD, _NEW)
        for name, message in _MESSAGES.items()
    ),
    *(
        Probe("mcp", f"{name}, {version}", _called(method, params, version),
              "(200 refused|(200|400|404) error -32(601|602|020)), short", is_short=version == _NEW)
        for version in (_OLD, _NEW)
        for name, (method, params) in _REFUSED_CALLS.items()
    ),
    Probe("mcp", "a version of 5,000 characters", _sent(_LIST, LONG), "400 .*, short", is_short=True),
    Probe("mcp", "a session of 5,000 characters", _sent(_LIST, _OLD, **{"Mcp-Session-Id": LONG}), "200 done, short"),
    Probe("mcp", "a session that does not exist", _sent(_LIST, _OLD, **{"Mcp-Session-Id": "1"}), "200 done, short"),
    Probe("mcp", "2,000 sessions", _sessions(2000), "200 x 2000"),
    Probe("mcp", "100 sessions", _sessions(100), "200 x 100", is_short=True),
    Probe("mcp", "150 waits that hang up", _waits(150, "tools/call", _of_wait),
          "200 refused, short; a place is free again", is_short=True),
    Probe("mcp", "150 waits for a task that hang up", _waits(150, "tasks/result", lambda name: {"taskId": name}),
          "200 error -32602, short; a place is free again"),
    Probe("mcp", f"{_AT_ONCE} reads of 7 MiB at once", _reads, "some read, the others refused"),
    Probe("mcp", f"{_AT_ONCE} answers of 7 MiB that nobody reads", _unread, "none read"),
    *(
        Probe("mcp", f"the generation of another customer, {version}", _of_another(version), f"{told}; untouched",
              is_short=version == _NEW)
        for version, told in (
            (_OLD, "200 error -32602, short and 200 refused, short"),
            (_NEW, "200 refused, short and 400 error -32602, short"),
        )
    ),
    Probe("mcp", "100 dripped messages", dripped(100, _HALF, b"x"), "100 of 100 open"),
    Probe("mcp", "100 dripped messages, for 33 s", dripped(100, _HALF, b"x", 33.0, left=0), "0 of 100 open"),
    Probe("mcp", "100 dripped messages, no key", dripped(100, _HALF.replace(b"KEY", b"none"), b"x", left=0),
          "0 of 100 open", is_short=True),
]  # fmt: skip
"""Every attack on the door for agents."""
