"""The expected seconds until an account takes the generation at some place in its queue.

The starts are played one after the other, as the decision makes them (`admission_grant`). A start waits for a place in
flight, which an earlier one frees at its end, and for room in each window of creates.
"""

import math
import threading
from bisect import bisect_left
from collections.abc import Sequence
from heapq import heapify, heapreplace
from itertools import accumulate, cycle, islice

from schemas.limits import WHOLE_ACCOUNT, AccountLimits, Limits
from storage.admission_places import UNKNOWN_SECONDS, AccountFacts, Window

# Work that takes longer than usual ends soon: within this part of its usual time.
_LATE_PART = 0.1

# So many starts are played at most. Each limit repeats them for those after.
_MOST_PLAYED = 5000

# While more waits than a window has room for, this part of the window goes in a step at most (`admission_room`).
_STEPS_OF_A_WINDOW = 5

# So many generations are never in flight. A higher limit lets all start.
_MOST_IN_FLIGHT = 1_000_000

# A start that is further away is not told: ten years. A date has no year above 9999.
_LONGEST_WAIT = 3650 * 86_400


class Starts:
    """The expected starts under some limits, one after the other. Threads may share them."""

    def __init__(
        self, in_flight: int | None, ends: Sequence[float], work: Sequence[float], windows: Sequence[Window],
        closed_seconds: float,
    ) -> None:  # fmt: skip
        """Take the state of an account or of a family, at one moment.

        Args:
            in_flight: the most generations at once. None: there is no such limit.
            ends: the seconds until each generation in flight ends.
            work: the seconds that the next generations take. Those after them take the mean.
            windows: the windows of creates.
            closed_seconds: the seconds until the first start, at least.
        """
        self._lock = threading.Lock()
        self._closed_seconds = closed_seconds
        self._work = work
        self._usual = sum(work) / len(work) if work else UNKNOWN_SECONDS
        self._played: list[float] = []
        self._windows = [_Creates(window, self._played) for window in windows]
        self._is_shut = (in_flight is not None and in_flight <= 0) or any(window.most <= 0 for window in windows)
        self._places = [] if in_flight is None or in_flight > _MOST_IN_FLIGHT else _places(in_flight, ends)

    def at(self, place: int) -> float:
        """The seconds until the start of the generation that so many others go before."""
        if self._is_shut:
            return math.inf
        with self._lock:
            while len(self._played) <= min(place, _MOST_PLAYED):
                self._play()
            if place < len(self._played):
                return self._played[place]
            return self._after_played(place - _MOST_PLAYED)

    def _after_played(self, number: int) -> float:
        """The seconds until the start that comes so many after the last one that is played."""
        starts = [self._played[-1], *(window.after(number) for window in self._windows)]
        if self._places:
            # A sorted list is a heap.
            self._places.sort()
            rounds, place = divmod(number - 1, len(self._places))
            starts.append(self._places[place] + rounds * self._usual)
        return max(starts)

    def _play(self) -> None:
        number = len(self._played)
        start = self._closed_seconds
        if self._places:
            start = max(start, self._places[0])
        for window in self._windows:
            start = max(start, window.has_room())
        if self._places:
            heapreplace(self._places, start + (self._work[number] if number < len(self._work) else self._usual))
        self._played.append(start)


class _Creates:
    """The creates of a window: those of the past, and the starts that are played."""

    def __init__(self, window: Window, played: Sequence[float]) -> None:
        self._window = window
        self._played = played
        self._step_most = math.ceil(window.most / _STEPS_OF_A_WINDOW)
        self._newest_first = window.creates[::-1]
        self._counts = list(accumulate(count for count, _, _ in self._newest_first))

    def has_room(self) -> float:
        """The seconds until the window takes one more create."""
        window = self._window
        room = self._leaves(window.most, window.seconds)
        if window.step_seconds is None:
            return room
        waiting = max(1, window.waiting - len(self._played))
        is_for_all = self._leaves(window.most - waiting + 1, window.seconds) if waiting <= window.most else math.inf
        return max(room, min(is_for_all, self._leaves(self._step_most, window.step_seconds)))

    def after(self, number: int) -> float:
        """The seconds until the window takes the create that comes so many after the last one, at the earliest.

        A create takes the room of the one that is a whole window of creates before it.
        """
        most, seconds = self._window.most, self._window.seconds
        windows = -(-number // most)
        one_before = self._leaves(windows * most - number + 1, windows * seconds)
        return max(one_before, self._played[-1] + (windows - 1) * seconds)

    def _leaves(self, most: int, seconds: float) -> float:
        """The seconds until fewer than so many creates are in the last so many seconds."""
        return self._last(most) + seconds

    def _last(self, number: int) -> float:
        """The seconds until the create that is so many from the end: 1 is the last. Those of the past are below zero.

        Those of a tenth of the window count as evenly spaced. A window can have millions, so no list has them all.
        """
        if number <= len(self._played):
            return self._played[-number]
        number -= len(self._played)
        part = bisect_left(self._counts, number)
        if part == len(self._counts):
            return -math.inf
        count, oldest, newest = self._newest_first[part]
        older = self._counts[part] - number
        return (oldest - newest) / max(1, count - 1) * older - oldest


class Forecast:
    """The expected starts at an account, by its state at one moment."""

    def __init__(self, facts: AccountFacts) -> None:
        self._facts = facts
        self.limits = AccountLimits.model_validate(facts.limits)
        """The limits in force."""
        self._whole = self._starts(WHOLE_ACCOUNT, self.limits)
        self._beside_reserve = self._starts(WHOLE_ACCOUNT, _without_reserve(self.limits))
        self._families = {name: self._starts(name, family) for name, family in self.limits.families.items()}

    def wait_seconds(self, pool: str, *, in_pool: int, at_account: int, may_use_reserve: bool = False) -> float | None:
        """The expected seconds until a start. None: the limits let nothing start, or not within ten years.

        Args:
            pool: the family of the model.
            in_pool: the generations of the family that go first.
            at_account: the generations of all families that go first.
            may_use_reserve: whether the generation may take a place of the reserve.
        """
        latest = (self._whole if may_use_reserve else self._beside_reserve).at(at_account)
        if pool in self._families:
            latest = max(latest, self._families[pool].at(in_pool))
        return latest if latest <= _LONGEST_WAIT else None

    def _starts(self, pool: str, limits: Limits) -> Starts:
        pools = {pool} if pool != WHOLE_ACCOUNT else {pool, *self.limits.families}
        work = [(since, usual) for its, since, usual in self._facts.at_work if its in pools]
        waiting = sorted((one.lane, one.turn, one.seconds) for one in self._facts.next_work if one.pool in pools)
        ends = [max(usual - since, usual * _LATE_PART) for since, usual in work] or [UNKNOWN_SECONDS]
        in_flight = sum(count for its, count in self._facts.in_flight.items() if its in pools)
        return Starts(
            limits.in_flight,
            # The query reads two thousand works at most. The others are expected to end at the same times.
            list(islice(cycle(ends), in_flight)),
            [seconds for _, _, seconds in waiting] or [usual for _, usual in work],
            [window for window in self._facts.windows if window.pool == pool],
            self._facts.closed_seconds,
        )


def _without_reserve(limits: AccountLimits) -> Limits:
    return (
        limits
        if limits.in_flight is None
        else Limits(in_flight=max(0, limits.in_flight - limits.reserve), creates=limits.creates)
    )


def _places(in_flight: int, ends: Sequence[float]) -> list[float]:
    """The seconds until each place is free, as a heap.

    A limit that was lowered has more work than places. The work that ends first makes no room.
    """
    places = sorted(ends)[max(0, len(ends) - in_flight) :]
    places += [0.0] * (in_flight - len(places))
    heapify(places)
    return places
