"""Plans the faults of a run: a pure function of seed and minutes, so that a run can be repeated."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from workers.roles import Role


class FaultKind(StrEnum):
    """A kind of fault in processes, services or the network."""

    KILL = "kill"
    """SIGKILL of one process."""
    KILL_GROUP = "kill_group"
    """SIGKILL of a supervisor and all its workers at once, as when a container exceeds its memory."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT some seconds later."""
    REDIS_RESTART = "redis_restart"
    REDIS_FLUSH = "redis_flush"
    POSTGRES_CRASH = "postgres_crash"
    """An immediate shutdown (SIGQUIT), and a start with recovery."""
    S3_OUTAGE = "s3_outage"
    REFUSE = "refuse"
    """A link refuses new connections. The open ones are reset."""
    BLACK_HOLE = "black_hole"
    """A link swallows every byte, and resets its connections at the end."""
    STALL = "stall"
    """A link holds every byte back, and delivers all at the end."""
    SLOW = "slow"
    """A link delays everything, each way."""
    LOST_COMMIT = "lost_commit"
    """PostgreSQL commits, and the acknowledgement is lost with the connection."""


class LinkName(StrEnum):
    """A connection between two parts that the proxy can break."""

    CLIENTS_GATEWAY = "clients-gateway"
    GATEWAY_POSTGRES = "gateway-postgres"
    GATEWAY_REDIS = "gateway-redis"
    WORKERS_POSTGRES = "workers-postgres"
    WORKERS_REDIS = "workers-redis"
    S3 = "s3"
    VENDOR_API = "vendor-api"
    VENDOR_FILES = "vendor-files"
    CALLBACKS = "callbacks"
    WEBHOOKS = "webhooks"


SUPERVISOR: Final = "supervisor-"
"""The prefix of a supervisor as target. The role that it runs follows."""

GATEWAY: Final = "gateway"
BEAT: Final = "beat"

CLAIMING: Final = frozenset(Role) - {Role.REQUESTS, Role.NOTIFY}
"""The roles whose workers claim generations. The others hold requests, or messages to others."""

KILLS = frozenset({FaultKind.KILL, FaultKind.KILL_GROUP})

OUTAGES = frozenset(FaultKind) - KILLS - {FaultKind.PAUSE}
"""The faults of services and network, as opposed to those of our processes."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One planned fault. Times are seconds."""

    at: float
    """Seconds from the beginning of the load."""
    kind: FaultKind
    """The kind of fault."""
    target: str
    """A `LinkName`, a service, a worker's `Role`, `gateway`, `beat`, or a supervisor."""
    seconds: float = 0.0
    """The length of the fault. 0 for a kill."""
    latency_seconds: float = 0.0
    """`slow`: the added delay, each way."""
    commits: int = 0
    """`lost_commit`: the most commits to lose."""
    while_busy: bool = False
    """For a worker of a role in `CLAIMING`: wait until the process holds a generation."""


# A calm round leaves its kills this long alone, so that other workers can take up the generations.
_ROUND_SECONDS = 33.0
_STORM_SECONDS = 11.0
_CALM_BEGINS = 17.0
_MIXED_SHARE = 1 / 7
_OUTAGES_IN_A_STORM = 7
_FAULTS_IN_A_MIXED_ROUND = 11
_OUTAGES_SHARE = 0.6
# A target that was away gets some time before the next fault.
_BETWEEN_SECONDS = 1.0

# Longer than a lease of 8 s.
_LONG_PAUSE = (11.0, 14.0)
_SHORT_PAUSE = (0.5, 4.0)

_Draw = Callable[[random.Random, float], Fault]


def schedule(seed: int, minutes: float) -> list[Fault]:
    """The faults of a run, sorted by time.

    Rounds last 33 s: a storm of outages, then kills and pauses without another fault, so that each recovery can be
    measured. About every seventh round mixes everything.
    """
    rng = random.Random(f"faults {seed}")
    outages, kills, diary = _Deck(rng, _OUTAGES), _Deck(rng, _CALM), _Diary()
    begin = 0.0
    while begin < minutes * 60:
        if rng.random() < _MIXED_SHARE:
            _mix(rng, diary, outages, begin)
        else:
            _storm(rng, diary, outages, begin)
            for draw in kills.deal():
                diary.enter(draw(rng, begin + _CALM_BEGINS))
        begin += _ROUND_SECONDS
    return sorted((fault for fault in diary.faults if fault.at < minutes * 60), key=lambda fault: fault.at)


def short_schedule(seed: int) -> list[Fault]:
    """One fault of each main kind within 18 s, for a lease of 4 s."""
    rng = random.Random(f"drill {seed}")

    def soon(at: float) -> float:
        return at + rng.uniform(0.0, 0.5)

    def link(at: float, kind: FaultKind, target: LinkName) -> Fault:
        return Fault(at=soon(at), kind=kind, target=target, seconds=rng.uniform(1.0, 2.0), latency_seconds=0.4)

    return [
        Fault(at=soon(0), kind=FaultKind.LOST_COMMIT, target=LinkName.WORKERS_POSTGRES, seconds=6, commits=3),
        Fault(at=soon(1), kind=FaultKind.LOST_COMMIT, target=LinkName.GATEWAY_POSTGRES, seconds=6, commits=2),
        Fault(at=soon(2), kind=FaultKind.REDIS_FLUSH, target="redis"),
        link(3, FaultKind.SLOW, LinkName.VENDOR_API),
        Fault(at=soon(4), kind=FaultKind.KILL, target=GATEWAY),
        link(5, FaultKind.REFUSE, LinkName.WORKERS_REDIS),
        Fault(at=soon(7), kind=FaultKind.POSTGRES_CRASH, target="postgres", seconds=0.5),
        link(9, FaultKind.BLACK_HOLE, LinkName.CALLBACKS),
        Fault(at=soon(10), kind=FaultKind.S3_OUTAGE, target="s3", seconds=1.5),
        Fault(at=soon(11), kind=FaultKind.PAUSE, target=Role.PROVIDER, seconds=6.0, while_busy=True),
        Fault(at=soon(12), kind=FaultKind.REDIS_RESTART, target="redis", seconds=0.5),
        Fault(at=soon(13), kind=FaultKind.KILL, target=Role.NOTIFY),
        Fault(at=soon(14), kind=FaultKind.KILL, target=BEAT),
        Fault(at=soon(14), kind=FaultKind.KILL, target=Role.REQUESTS),
        Fault(at=soon(15), kind=FaultKind.KILL, target=Role.TRANSFER, while_busy=True),
        link(17, FaultKind.STALL, LinkName.VENDOR_FILES),
    ]


class _Deck:
    """Cards in random order. Every card comes once before any comes again."""

    def __init__(self, rng: random.Random, cards: Sequence[Sequence[_Draw]]) -> None:
        self._rng = rng
        self._cards = cards
        self._left: list[Sequence[_Draw]] = []

    def deal(self) -> Sequence[_Draw]:
        """The next card."""
        if not self._left:
            self._left = self._rng.sample(self._cards, k=len(self._cards))
        return self._left.pop()


class _Diary:
    """The faults so far. A target gets no second fault before the first is over."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._free_at: dict[str, float] = {}

    def enter(self, fault: Fault) -> None:
        """Add a fault, unless its target has one already."""
        if fault.at >= self._free_at.get(fault.target, 0.0):
            self._free_at[fault.target] = fault.at + fault.seconds + _BETWEEN_SECONDS
            self.faults.append(fault)


def _storm(rng: random.Random, diary: _Diary, outages: _Deck, begin: float) -> None:
    """Outages in quick succession. They end before the calm begins."""
    for start in sorted(rng.uniform(0.0, _STORM_SECONDS - 3.0) for _ in range(_OUTAGES_IN_A_STORM)):
        (draw,) = outages.deal()
        fault = draw(rng, begin + start)
        diary.enter(replace(fault, seconds=min(fault.seconds, _STORM_SECONDS - start)))


def _mix(rng: random.Random, diary: _Diary, outages: _Deck, begin: float) -> None:
    """All kinds of faults at once."""
    for start in sorted(rng.uniform(0.0, _ROUND_SECONDS - 4.0) for _ in range(_FAULTS_IN_A_MIXED_ROUND)):
        (draw,) = outages.deal() if rng.random() < _OUTAGES_SHARE else (rng.choice(_ANY_PROCESS),)
        diary.enter(draw(rng, begin + start))


def _on(kind: FaultKind, target: str, shortest: float, longest: float) -> _Draw:
    def draw(rng: random.Random, at: float) -> Fault:
        return Fault(at=at, kind=kind, target=target, seconds=rng.uniform(shortest, longest))

    return draw


def _slow(target: LinkName) -> _Draw:
    def draw(rng: random.Random, at: float) -> Fault:
        latency = rng.uniform(0.05, 0.5)
        return Fault(at=at, kind=FaultKind.SLOW, target=target, seconds=rng.uniform(2, 5), latency_seconds=latency)

    return draw


def _lost_commit(target: LinkName) -> _Draw:
    def draw(rng: random.Random, at: float) -> Fault:
        return Fault(at=at, kind=FaultKind.LOST_COMMIT, target=target, seconds=3.0, commits=rng.randint(1, 6))

    return draw


def _kill(target: str, *, kind: FaultKind = FaultKind.KILL) -> _Draw:
    def draw(rng: random.Random, at: float) -> Fault:
        return Fault(at=at + rng.uniform(0.0, 1.0), kind=kind, target=target, while_busy=target in CLAIMING)

    return draw


def _pause(target: str, length: tuple[float, float]) -> _Draw:
    def draw(rng: random.Random, at: float) -> Fault:
        return Fault(
            at=at + rng.uniform(0.0, 1.0),
            kind=FaultKind.PAUSE,
            target=target,
            seconds=rng.uniform(*length),
            while_busy=target in CLAIMING,
        )

    return draw


_POSTGRES_LINKS = (LinkName.WORKERS_POSTGRES, LinkName.GATEWAY_POSTGRES)

# Each card is one fault. Cards for the most harmful faults occur several times.
_OUTAGES: list[tuple[_Draw]] = [
    *((_on(FaultKind.REFUSE, link, 0.5, 3.5),) for link in LinkName),
    *((_on(FaultKind.BLACK_HOLE, link, 1.0, 8.0),) for link in LinkName),
    *((_on(FaultKind.STALL, link, 1.0, 6.0),) for link in LinkName),
    *((_slow(link),) for link in LinkName),
    *((_lost_commit(link),) for link in _POSTGRES_LINKS for _ in range(4)),
    *[(_on(FaultKind.REDIS_RESTART, "redis", 0.0, 3.0),)] * 4,
    *[(_on(FaultKind.REDIS_FLUSH, "redis", 0.0, 0.0),)] * 4,
    *[(_on(FaultKind.POSTGRES_CRASH, "postgres", 0.0, 2.0),)] * 4,
    *[(_on(FaultKind.S3_OUTAGE, "s3", 1.0, 5.0),)] * 4,
]

# A card holds the process faults of one calm round. Without the waker (control, beat) no generation is taken up again,
# so these two are alone in their rounds.
_PROVIDER, _TRANSFER, _MEDIA = _kill(Role.PROVIDER), _kill(Role.TRANSFER), _kill(Role.MEDIA)
_REQUESTS, _NOTIFY = _kill(Role.REQUESTS), _kill(Role.NOTIFY)
_CALM: list[tuple[_Draw, ...]] = [
    *[(_PROVIDER, _TRANSFER, _MEDIA)] * 3,
    *[(_PROVIDER, _TRANSFER, _kill(GATEWAY))] * 2,
    *[(_PROVIDER, _REQUESTS, _NOTIFY)] * 2,
    (_PROVIDER, _TRANSFER, _pause(GATEWAY, _SHORT_PAUSE)),
    (_TRANSFER, _pause(Role.REQUESTS, _LONG_PAUSE), _pause(Role.NOTIFY, _LONG_PAUSE)),
    (_PROVIDER, _TRANSFER, _pause(Role.MEDIA, _LONG_PAUSE)),
    (_PROVIDER, _MEDIA, _pause(Role.TRANSFER, _LONG_PAUSE)),
    (_TRANSFER, _MEDIA, _pause(Role.PROVIDER, _LONG_PAUSE)),
    (_kill(Role.CONTROL), _kill(GATEWAY), _pause(Role.REQUESTS, _SHORT_PAUSE)),
    (_kill(BEAT), _REQUESTS, _pause(GATEWAY, _SHORT_PAUSE)),
    (_pause(Role.CONTROL, _LONG_PAUSE), _kill(GATEWAY)),
    (_kill(f"{SUPERVISOR}{Role.PROVIDER}"), _TRANSFER, _MEDIA),
    (_kill(f"{SUPERVISOR}{Role.TRANSFER}", kind=FaultKind.KILL_GROUP), _PROVIDER, _MEDIA),
    (_kill(f"{SUPERVISOR}{Role.PROVIDER}", kind=FaultKind.KILL_GROUP), _TRANSFER, _kill(GATEWAY)),
]

_ANY_PROCESS: list[_Draw] = [
    *(_kill(role) for role in Role),
    _kill(GATEWAY),
    _kill(BEAT),
    *(_pause(role, _SHORT_PAUSE) for role in Role),
    _pause(Role.PROVIDER, _LONG_PAUSE),
    _pause(Role.TRANSFER, _LONG_PAUSE),
    _kill(f"{SUPERVISOR}{Role.CONTROL}"),
    _kill(f"{SUPERVISOR}{Role.MEDIA}", kind=FaultKind.KILL_GROUP),
]
