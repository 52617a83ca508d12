"""Follows a customer's events, and sends each to a URL in the form of webhooks (`reelworks listen`).

The stream of events tells that an event happened. Its document then comes from `/v1/events/{id}`, so the message has
the same body as a webhook.
"""

import hashlib
import hmac
import json
import random
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Any, Final, NoReturn
from uuid import NAMESPACE_URL, uuid5

import httpx
from rich.console import Console

from notify.webhooks import signing
from notify.webhooks.sender import HEADERS
from notify.webhooks.signing import SigningKey
from schemas.enums import EventKind
from schemas.errors import ReelworksError
from schemas.webhooks import USUAL_TYPES, filters_for

_TIMEOUT_SECONDS: Final = 15.0
# The gateway sends a heartbeat every 15 s.
_SILENCE_SECONDS: Final = 45.0
_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
_REFUSALS: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class ListenRefused(ReelworksError):
    """The gateway refuses the key."""


class Forwarding:
    """Sends the events of one key to one URL."""

    def __init__(self, gateway: str, api_key: str, url: str, *, types: Sequence[str], console: Console) -> None:
        """Prepare the forwarding.

        Args:
            types: the filter, as an endpoint has one.
        """
        self._gateway = httpx.Client(
            base_url=gateway, headers={"Authorization": f"Bearer {api_key}"}, timeout=_TIMEOUT_SECONDS
        )
        self._target = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._url = url
        self._types = frozenset(types)
        self._console = console
        self._position: str | None = None
        # The same for a key: a restart changes neither.
        self.secret = f"whsec_{b64encode(_derived(api_key, b'secret')).decode()}"
        self.key = SigningKey(_derived(api_key, b"ed25519"))

    def run(self, *, after: int | None) -> NoReturn:
        """Forward events until the process is interrupted.

        Raises:
            ListenRefused: the gateway refuses the key.
        """
        self._position = None if after is None else str(after)
        self._console.print(f"secret      {self.secret}", soft_wrap=True)
        self._console.print(f"public key  {self.key.public}", soft_wrap=True)
        with self._gateway, self._target:
            self._follow()

    def _follow(self) -> NoReturn:
        pauses = _pauses()
        while True:
            try:
                for event in self._events():
                    pauses = _pauses()
                    if self._may_be_wanted(event):
                        self._forward(event["id"])
            except httpx.HTTPError as error:
                self._say(f"the gateway does not answer ({type(error).__name__}): the next try follows", style="red")
            time.sleep(next(pauses))

    def _events(self) -> Iterator[dict[str, Any]]:
        """The events of one connection. Each moves the position once its caller asks for the next one."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._position} if self._position else {})
        timeout = httpx.Timeout(_TIMEOUT_SECONDS, read=_SILENCE_SECONDS)
        with self._gateway.stream("GET", "/v1/events", headers=headers, timeout=timeout) as stream:
            self._require_success(stream)
            self._say("connected")
            position, data = self._position, ""
            for line in stream.iter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    position = value
                elif name == "data":
                    data = value
                elif not line:
                    if data:
                        yield json.loads(data)
                    self._position, data = position, ""

    def _require_success(self, answer: httpx.Response) -> None:
        if answer.status_code in _REFUSALS:
            raise ListenRefused(f"the gateway refuses the key: {answer.read().decode(errors='replace')}")
        answer.raise_for_status()

    def _may_be_wanted(self, event: Mapping[str, Any]) -> bool:
        """Whether the filter may let an event through. The stream names only ends and other moves."""
        if event["type"] == EventKind.PROGRESS:
            return False
        return event["type"] == EventKind.END or not self._types <= set(USUAL_TYPES)

    def _forward(self, event_id: str) -> None:
        answer = self._gateway.get(f"/v1/events/{event_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return
        body, told = answer.raise_for_status().content, answer.json()
        if self._types.isdisjoint(filters_for(told["type"])):
            return
        # The same in each run: a repeated event is the same message.
        message_id = str(uuid5(NAMESPACE_URL, f"{self._url}#{event_id}"))
        signed = signing.headers([self.secret], [self.key], message_id, int(time.time()), body)
        began = time.monotonic()
        try:
            status = str(self._target.post(self._url, content=body, headers={**HEADERS, **signed}).status_code)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status = f"{type(error).__name__}: {error}"
        milliseconds = 1000 * (time.monotonic() - began)
        style = "green" if status.startswith("2") else "red"
        self._say(
            f"{told['type']}  {told['data']['generation_id']}  event {event_id}  → {status}  {milliseconds:.0f} ms",
            style=style,
        )

    def _say(self, text: str, *, style: str | None = None) -> None:
        self._console.print(f"{datetime.now():%H:%M:%S}  {text}", style=style, markup=False, soft_wrap=True)  # noqa: DTZ005


def _pauses() -> Iterator[float]:
    """The pauses before the next connections: longer from one to the next, up to a limit."""
    for pause in chain(_PAUSES_SECONDS, repeat(_PAUSES_SECONDS[-1])):
        yield pause * random.uniform(0.5, 1)  # noqa: S311 -- spreads load


def _derived(api_key: str, purpose: bytes) -> bytes:
    return hmac.digest(api_key.encode(), b"reelworks.listen.v1:" + purpose, hashlib.sha256)
