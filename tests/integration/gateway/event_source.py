"""A client of server-sent events, by the rules of the HTML standard."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Message:
    """A message that a browser would dispatch."""

    id: str
    event: str
    data: dict[str, Any]

    @property
    def stage(self) -> str:
        """The stage that the message tells."""
        return str(self.data["stage"])


@dataclass
class EventSource:
    """The messages of one connection."""

    response: httpx.Response
    last_event_id: str = ""
    retry: int | None = None
    comments: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Message]:
        event, data = "", list[str]()
        for line in self.response.iter_lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if not line:
                    if data:
                        yield Message(self.last_event_id, event or "message", json.loads("\n".join(data)))
                    event, data = "", []
                case "":
                    self.comments.append(value)
                case "id":
                    self.last_event_id = value
                case "event":
                    event = value
                case "data":
                    data.append(value)
                case "retry":
                    self.retry = int(value)


@contextmanager
def follow(
    client: httpx.Client, path: str, headers: Mapping[str, str], *, after: str | None = None
) -> Iterator[EventSource]:
    """An open stream. `after` goes into `Last-Event-ID`."""
    resumes = {} if after is None else {"Last-Event-ID": after}
    with client.stream("GET", path, headers={**STREAM, **headers, **resumes}) as response:
        assert response.status_code == 200, response.read()
        yield EventSource(response)
