"""The expected seconds until an account takes the generation at some place in its queue.

Each limit is a number of slots. A slot is busy for a while, and takes one start whenever it is free: a place in flight
for the time of a generation, a place in a window of creates for the length of the window.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.limits import WHOLE_ACCOUNT, AccountLimits, Limits
from storage.admission_places import UNKNOWN_SECONDS, AccountFacts, Window

# Work that takes longer than usual ends soon: within this part of its usual time.
_LATE_PART = 0.1


@dataclass(frozen=True)
class Slots:
    """The slots of one limit."""

    size: int
    """How many there are."""
    period: float
    """The seconds for which a start keeps a slot busy."""
    busy: Sequence[float]
    """The seconds until each busy slot is free, the least first."""

    def start(self, place: int) -> float:
        """The seconds until the start of the generation that so many others go before."""
        if self.size <= 0:
            return math.inf
        # A limit that was lowered has more starts than slots. Those that end first make no room.
        ends = self.busy[max(0, len(self.busy) - self.size) :]
        round_, slot = divmod(place, self.size)
        free = self.size - len(ends)
        return round_ * self.period + (ends[slot - free] if slot >= free else 0.0)


class Forecast:
    """The expected starts at an account, by its state at one moment."""

    def __init__(self, facts: AccountFacts) -> None:
        self._facts = facts
        self.limits = AccountLimits.model_validate(facts.limits)
        """The limits in force."""
        self._whole = list(self._slots(WHOLE_ACCOUNT, self.limits))
        self._beside_reserve = list(self._slots(WHOLE_ACCOUNT, _without_reserve(self.limits)))
        self._families = {name: list(self._slots(name, family)) for name, family in self.limits.families.items()}

    def wait_seconds(self, pool: str, *, in_pool: int, at_account: int, may_use_reserve: bool = False) -> float | None:
        """The expected seconds until a start. None: the limits let nothing start.

        Args:
            pool: the family of the model.
            in_pool: the generations of the family that go first.
            at_account: the generations of all families that go first.
            may_use_reserve: whether the generation may take a place of the reserve.
        """
        whole = self._whole if may_use_reserve else self._beside_reserve
        starts = [self._facts.closed_seconds]
        starts += [slots.start(at_account) for slots in whole]
        starts += [slots.start(in_pool) for slots in self._families.get(pool, ())]
        latest = max(starts)
        return None if math.isinf(latest) else latest

    def _slots(self, pool: str, limits: Limits) -> Iterator[Slots]:
        if limits.in_flight is not None:
            work = [(since, usual) for its, since, usual in self._facts.at_work if pool in (WHOLE_ACCOUNT, its)]
            ends = sorted(max(usual - since, usual * _LATE_PART) for since, usual in work)
            period = sum(usual for _, usual in work) / len(work) if work else UNKNOWN_SECONDS
            yield Slots(limits.in_flight, period, ends)
        for window in self._facts.windows:
            if window.pool == pool:
                yield Slots(window.most, window.seconds, _ends(window))


def _without_reserve(limits: AccountLimits) -> Limits:
    return (
        limits
        if limits.in_flight is None
        else Limits(in_flight=max(0, limits.in_flight - limits.reserve), creates=limits.creates)
    )


def _ends(window: Window) -> Sequence[float]:
    """The seconds until each create leaves the window, as if they were evenly spaced."""
    if window.oldest is None or window.newest is None:
        return ()
    gap = (window.oldest - window.newest) / max(1, window.count - 1)
    return [max(0.0, window.seconds - window.oldest + gap * number) for number in range(window.count)]
