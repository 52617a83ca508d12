"""What is ordered when, and what the vendor does to each order: a pure function of seed and minutes."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from sandbox.scenarios import Match, Scenario


class Door(StrEnum):
    """How an order comes in."""

    HTTP = "http"
    REDIS = "redis"


class VendorFault(StrEnum):
    """What the vendor does wrong with one order."""

    CREATE_DROPPED = "create_dropped"
    CREATE_FORGOTTEN = "create_forgotten"
    CREATE_GARBAGE = "create_garbage"
    CREATE_LIMITED = "create_limited"
    CREATE_LIMITED_FOR = "create_limited_for"
    CREATE_BROKEN = "create_broken"
    CREATE_UNAVAILABLE = "create_unavailable"
    CREATE_CRASHED = "create_crashed"
    CREATE_SLOW = "create_slow"
    CREATE_TIMED_OUT = "create_timed_out"
    REJECTED = "rejected"
    TASK_FAILED = "task_failed"
    TASK_REJECTED = "task_rejected"
    RESULT_MISSING = "result_missing"
    READ_BROKEN = "read_broken"
    READ_LIMITED = "read_limited"
    READ_SLOW = "read_slow"
    STATE_UNKNOWN = "state_unknown"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_LATE = "callback_late"
    CALLBACK_DOUBLED = "callback_doubled"
    CALLBACK_FORGED = "callback_forged"
    CALLBACK_EARLY = "callback_early"
    DOWNLOAD_CUT = "download_cut"
    DOWNLOAD_REFUSED = "download_refused"
    DOWNLOAD_HTML = "download_html"
    DOWNLOAD_SLOW = "download_slow"


def _error(code: int, **more: int) -> dict[str, JsonValue]:
    return {"code": code, "msg": "asked for by the fault bench", **more}


_BEHAVIOUR: Mapping[VendorFault, dict[str, JsonValue]] = {
    VendorFault.CREATE_DROPPED: {"create_reply": "drop"},
    VendorFault.CREATE_FORGOTTEN: {"create_reply": "drop", "callback": "lost"},
    VendorFault.CREATE_GARBAGE: {"create_reply": "garbage"},
    VendorFault.CREATE_LIMITED: {"create_error": _error(429), "create_error_times": 2},
    VendorFault.CREATE_LIMITED_FOR: {"create_error": _error(429, http_status=429, retry_after=3)},
    # With Kie's own code it was not accepted; with a bare HTTP 500 nobody knows.
    VendorFault.CREATE_BROKEN: {"create_error": _error(500), "create_error_times": 3},
    VendorFault.CREATE_UNAVAILABLE: {"create_error": _error(455), "create_error_times": 2},
    VendorFault.CREATE_CRASHED: {"create_error": _error(999, http_status=500)},
    VendorFault.CREATE_SLOW: {"create_latency_seconds": 3},
    VendorFault.CREATE_TIMED_OUT: {"create_latency_seconds": 9},
    VendorFault.REJECTED: {"create_error": _error(422)},
    VendorFault.TASK_FAILED: {"outcome": "fail", "fail_code": "500"},
    VendorFault.TASK_REJECTED: {"outcome": "fail", "fail_code": "422"},
    VendorFault.RESULT_MISSING: {"empty_result": True},
    VendorFault.READ_BROKEN: {"poll_error": _error(500, http_status=500), "poll_error_times": 2},
    VendorFault.READ_LIMITED: {"poll_error": _error(429, http_status=429, retry_after=2)},
    VendorFault.READ_SLOW: {"poll_latency_seconds": 4},
    VendorFault.STATE_UNKNOWN: {"state_word": "pondering"},
    VendorFault.CALLBACK_LOST: {"callback": "lost"},
    VendorFault.CALLBACK_LATE: {"callback": "late", "callback_delay_seconds": 6},
    VendorFault.CALLBACK_DOUBLED: {"callback": "doubled"},
    VendorFault.CALLBACK_FORGED: {"callback": "forged", "seconds": 1.5},
    VendorFault.CALLBACK_EARLY: {"callback": "early", "seconds": 0},
    VendorFault.DOWNLOAD_CUT: {"cut_after_bytes": 100, "cut_times": 3},
    VendorFault.DOWNLOAD_REFUSED: {"download_status": 403},
    VendorFault.DOWNLOAD_HTML: {"download_body": "html"},
    VendorFault.DOWNLOAD_SLOW: {"bytes_per_second": 400},
}

PRODUCES_NOTHING = frozenset(
    {
        VendorFault.CREATE_FORGOTTEN,
        VendorFault.CREATE_CRASHED,
        VendorFault.REJECTED,
        VendorFault.TASK_FAILED,
        VendorFault.TASK_REJECTED,
        VendorFault.RESULT_MISSING,
        VendorFault.STATE_UNKNOWN,
        VendorFault.DOWNLOAD_HTML,
    }
)
"""After these there can be no result."""

_VIDEO_SHARE = 0.04
_REDIS_SHARE = 0.1
_VENDOR_FAULT_SHARE = 0.35
_CANCELLED_SHARE = 0.05
_REPEATED_SHARE = 0.05

# Small pictures, so that two cores suffice; and slow enough that workers have something in hand when they are killed.
_IMAGE: dict[str, JsonValue] = {
    "seconds": 0.2,
    "create_latency_seconds": 0.2,
    "bytes_per_second": 4000,
    "delivered": {"width": 64, "height": 64},
}
_VIDEO: dict[str, JsonValue] = {
    **_IMAGE,
    "bytes_per_second": 40_000,
    "delivered": {"width": 64, "height": 64, "duration_seconds": 1, "frame_rate": 8},
}
_VIDEO_MODEL = "kling-2.6-text-to-video"
_VENDORS_VIDEO_MODEL = "kling-2.6/text-to-video"


@dataclass(frozen=True, kw_only=True)
class PlannedOrder:
    """One order of the load."""

    number: int
    at: float
    """Seconds from the beginning of the load."""
    door: Door
    customer: int
    """Which of the load's customers."""
    is_video: bool
    vendor_fault: VendorFault | None
    is_repeated: bool
    """Sent once more after it was accepted, with the same key."""
    cancel_after: float | None
    """Seconds from acceptance to its cancelling."""

    @property
    def key(self) -> str:
        """Its idempotency key, which also is the word in its prompt that no other has."""
        return f"order-{self.number}."

    def request(self, deadline_seconds: int) -> dict[str, JsonValue]:
        """The body of `POST /v1/generations`."""
        body: dict[str, JsonValue] = {"prompt": f"a lighthouse, {self.key}", "deadline_seconds": deadline_seconds}
        if self.is_video:
            return {**body, "model": _VIDEO_MODEL, "duration_seconds": 5, "aspect_ratio": "1:1"}
        return {**body, "model": "nano-banana"}

    def scenario(self) -> Scenario | None:
        """How the sandbox must treat it, where that is not as usual."""
        if self.vendor_fault is None:
            return None
        usual = _VIDEO if self.is_video else _IMAGE
        match = Match(prompt_contains=self.key)
        return Scenario.model_validate({**usual, **_BEHAVIOUR[self.vendor_fault], "match": match})


def usual_scenarios() -> list[Scenario]:
    """How the sandbox treats orders that it does nothing wrong with."""
    video = {**_VIDEO, "match": Match(model=_VENDORS_VIDEO_MODEL)}
    return [Scenario.model_validate(_IMAGE), Scenario.model_validate(video)]


def plan_orders(seed: int, *, seconds: float, count: int, customers: int) -> list[PlannedOrder]:
    """The orders of a run, spread over its time, in order of time."""
    rng = random.Random(f"orders {seed}")
    times = sorted(rng.uniform(0.0, seconds) for _ in range(count))
    kinds = list(VendorFault)
    return [
        PlannedOrder(
            number=number,
            at=at,
            door=Door.REDIS if rng.random() < _REDIS_SHARE else Door.HTTP,
            customer=rng.randrange(customers),
            is_video=rng.random() < _VIDEO_SHARE,
            vendor_fault=rng.choice(kinds) if rng.random() < _VENDOR_FAULT_SHARE else None,
            is_repeated=rng.random() < _REPEATED_SHARE,
            cancel_after=rng.uniform(0.0, 2.0) if rng.random() < _CANCELLED_SHARE else None,
        )
        for number, at in enumerate(times)
    ]
