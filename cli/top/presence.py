"""Listens for the heartbeats of workers, for as long as the program runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Final

from cli.outages import in_words
from schemas.settings import Settings
from workers.app import create_app
from workers.heartbeats import Heartbeats, hear
from workers.roles import Role, open_roles, role_of

_ROUND_SECONDS: Final = 10.0
"""The time of one connection to Redis."""

_PAUSE_SECONDS: Final = 2.0

_LOOK_SECONDS: Final = 0.1

_ALIVE_SECONDS: Final = 6.0
"""A living worker sends a heartbeat every two seconds, or more often."""


@dataclass(frozen=True)
class Worker:
    """A process that sends heartbeats."""

    running: int
    """The tasks that it runs."""
    holder: str
    """Its name in claims. Processes of several hosts may have the same one."""


class Presence:
    """The processes that send heartbeats."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._heard: dict[str, Mapping[str, Any]] = {}
        self._over = Event()
        self._began = time.monotonic()
        self._thread = Thread(target=self._run, name="presence", daemon=True)
        self.trouble: str | None = None
        """Why no heartbeat can be heard."""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer. Returns at once."""
        self._over.set()

    def wait(self) -> None:
        """Wait until every role was heard, or every living worker has had the time for a heartbeat."""
        while not self._is_complete and (self._unheard() or self.trouble is not None):
            time.sleep(_LOOK_SECONDS)

    def living(self) -> Mapping[str, Worker] | None:
        """The processes, by the name of the node. None: it cannot be told, or not yet."""
        oldest = time.time() - _ALIVE_SECONDS
        found = {
            node: Worker(int(heartbeat.get("active") or 0), f"{node.partition('@')[0]}#{heartbeat.get('pid')}")
            for node, heartbeat in sorted(self._heard.items())
            if heartbeat["local_received"] > oldest
        }
        return found if self.trouble is None and (found or self._is_complete) else None

    def missing(self) -> Sequence[Role]:
        """The roles that the system needs, and that no process has."""
        return self._unheard() if self._is_complete and self.trouble is None else ()

    def _unheard(self) -> Sequence[Role]:
        there = {role_of(node) for node in self.living() or ()}
        return [role for role in open_roles(self._settings.doors_off) if role not in there]

    @property
    def _is_complete(self) -> bool:
        """Whether every living worker has had the time for a heartbeat."""
        return time.monotonic() > self._began + _ALIVE_SECONDS

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with create_app(self._settings, process="worker") as app:
                    while not self._over.is_set():
                        hear(app, seconds=_ROUND_SECONDS, is_enough=self._note)
                        self.trouble = None
            except Exception as error:  # noqa: BLE001 -- the screen shows any error, and the next round follows
                self.trouble = f"no heartbeats: {in_words(error, self._settings) or type(error).__name__}"
                self._over.wait(_PAUSE_SECONDS)

    def _note(self, heard: Heartbeats) -> bool:
        self._heard.update(heard)
        self.trouble = None
        return self._over.is_set()
