"""The plan of a run: faults, orders, and the pipeline's timings."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from drills.chaos.plans.orders import PlannedOrder, plan_orders
from drills.chaos.plans.schedule import Fault, schedule, short_schedule
from schemas.setting_groups import PipelineSettings

CUSTOMERS = 8

# 5,000 in 20 minutes, and some more for orders that are refused or lost before they are generations.
_ORDERS_A_MINUTE = 270
_ORDERS_IN_A_SHORT_RUN = 80
_SHORT_SECONDS = 18.0

# The lease and the re-sending are those of production: they decide how soon a dead worker's generation continues. The
# other values only shorten waits for answers that never come.
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
    """The plan of a run."""

    seed: int
    """Decides faults and orders."""
    minutes: float
    """The length of the load."""
    faults: Sequence[Fault]
    """The faults, sorted by time."""
    orders: Sequence[PlannedOrder]
    """The orders, sorted by time."""
    pipeline: PipelineSettings
    """The pipeline's timings."""
    deadline_seconds: int
    """The deadline of every order."""
    recovery_seconds: float | None
    """The longest recovery of a dead worker's generation without another fault. None: recoveries are not judged."""
    replay: str
    """The command that repeats the plan."""

    @cached_property
    def digest(self) -> str:
        """A hash of faults and orders."""
        decided = [[asdict(fault) for fault in self.faults], [asdict(order) for order in self.orders]]
        return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:16]


def full(seed: int, minutes: float) -> Plan:
    """The plan of a run of this length."""
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
    """One fault of each main kind within 18 seconds, with faster timings."""
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
