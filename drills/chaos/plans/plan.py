"""All that is decided before a run: what goes wrong, what is ordered, and by which clockwork."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from drills.chaos.plans.orders import PlannedOrder, plan_orders
from drills.chaos.plans.schedule import Fault, schedule, short_schedule
from schemas.settings import PipelineSettings

CUSTOMERS = 8

# 5,000 in 20 minutes, and some more for what is refused or lost before it is a generation.
_ORDERS_A_MINUTE = 270
_ORDERS_IN_A_SHORT_RUN = 80
_SHORT_SECONDS = 18.0

# The lease and the re-sending are those of production: they decide how soon a dead worker's generation goes on. The
# others only end the waiting for what will not come sooner than a run could wait.
_PIPELINE = PipelineSettings(
    unknown_submit_grace_seconds=20,
    poll_with_callback_seconds=15,
    backoff_cap_seconds=15,
)
_SHORT_PIPELINE = PipelineSettings(
    lease_seconds=4,
    resend_after_seconds=3,
    backoff_base_seconds=0.3,
    backoff_cap_seconds=2,
    outage_pause_seconds=1.5,
    unknown_submit_grace_seconds=8,
    poll_with_callback_seconds=3,
)


@dataclass(frozen=True)
class Plan:
    """A run."""

    seed: int
    minutes: float
    faults: Sequence[Fault]
    orders: Sequence[PlannedOrder]
    pipeline: PipelineSettings
    deadline_seconds: int
    """Of every order."""
    recovery_seconds: float | None
    """What a dead worker held must be taken up again within this, where nothing else is wrong; None: not judged."""
    replay: str
    """The command that makes the same things go wrong again."""

    @cached_property
    def digest(self) -> str:
        """The same for the same schedule, and for no other."""
        decided = [[asdict(fault) for fault in self.faults], [asdict(order) for order in self.orders]]
        return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]


def full(seed: int, minutes: float) -> Plan:
    """A run of so many minutes."""
    return Plan(
        seed=seed,
        minutes=minutes,
        faults=schedule(seed, minutes),
        orders=plan_orders(seed, seconds=minutes * 60, count=round(_ORDERS_A_MINUTE * minutes), customers=CUSTOMERS),
        pipeline=_PIPELINE,
        deadline_seconds=120,
        recovery_seconds=15.0,
        replay=f"make chaos SEED={seed} MINUTES={minutes:g}",
    )


def short(seed: int) -> Plan:
    """One fault of each main kind within 18 seconds, by a faster clockwork."""
    return Plan(
        seed=seed,
        minutes=_SHORT_SECONDS / 60,
        faults=short_schedule(seed),
        orders=plan_orders(seed, seconds=_SHORT_SECONDS, count=_ORDERS_IN_A_SHORT_RUN, customers=CUSTOMERS),
        pipeline=_SHORT_PIPELINE,
        deadline_seconds=20,
        recovery_seconds=None,
        replay=f"python -m drills.chaos --short --seed {seed}",
    )
