"""Wakes the parts of a process that tells events when a change is announced.

An announcement may be lost, so each part also looks at certain times.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID


class Alarms:
    """The alarms of one process, one for each part. Use them in the event loop only."""

    def __init__(self) -> None:
        self._alarms: list[Alarm] = []
        self._calls: list[Callable[[UUID], None]] = []
        self._has_alarms = asyncio.Event()

    def add(self) -> "Alarm":
        """An alarm for a part. Each announcement rings it."""
        made = Alarm()
        self._alarms.append(made)
        self._has_alarms.set()
        return made

    def call(self, tell: Callable[[UUID], None]) -> None:
        """Call a function of a part with the generation of each announcement."""
        self._calls.append(tell)
        self._has_alarms.set()

    @property
    def is_followed(self) -> bool:
        """Whether a part has an alarm."""
        return self._has_alarms.is_set()

    async def until_followed(self) -> None:
        """Wait until a part has an alarm."""
        await self._has_alarms.wait()

    def changed(self, generation_id: UUID, _customer_id: UUID) -> None:
        """Ring every alarm, and make every call."""
        for alarm in self._alarms:
            alarm.ring()
        for tell in self._calls:
            tell(generation_id)


class Alarm:
    """Wakes one part."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the part: now, or at its next wait."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait until the alarm rings, and no longer than this."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
