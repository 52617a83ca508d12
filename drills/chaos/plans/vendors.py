"""The faults of vendors with a single order, in each vendor's own codes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from sandbox.scenarios import Match, Scenario
from schemas.limits import AccountLimits, CreateRate
from schemas.names import ProviderName

Behaviour = Mapping[str, JsonValue]
"""Fields of a `sandbox.scenarios.Scenario`."""


class VendorFault(StrEnum):
    """A vendor's fault with one order."""

    CREATE_DROPPED = "create_dropped"
    CREATE_FORGOTTEN = "create_forgotten"
    CREATE_GARBAGE = "create_garbage"
    CREATE_LIMITED = "create_limited"
    CREATE_LIMITED_FOR = "create_limited_for"
    CREATE_UNAVAILABLE = "create_unavailable"
    CREATE_UNDECIDED = "create_undecided"
    CREATE_SLOW = "create_slow"
    CREATE_TIMED_OUT = "create_timed_out"
    REJECTED = "rejected"
    TASK_FAILED = "task_failed"
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
    DOWNLOAD_EARLY = "download_early"
    DOWNLOAD_HALF = "download_half"
    DOWNLOAD_GZIP = "download_gzip"
    DOWNLOAD_SLOW = "download_slow"
    CANCEL_SLOW = "cancel_slow"
    CANCEL_IGNORED = "cancel_ignored"
    CANCEL_BROKEN = "cancel_broken"


CANCEL_FAULTS = frozenset({VendorFault.CANCEL_SLOW, VendorFault.CANCEL_IGNORED, VendorFault.CANCEL_BROKEN})
"""The faults that need a customer who cancels and a vendor who can."""

PRODUCES_NOTHING = frozenset(
    {
        VendorFault.CREATE_FORGOTTEN,
        VendorFault.CREATE_UNDECIDED,
        VendorFault.REJECTED,
        VendorFault.TASK_FAILED,
        VendorFault.RESULT_MISSING,
        VendorFault.STATE_UNKNOWN,
        VendorFault.DOWNLOAD_HTML,
    }
)
"""The faults after which there is no result, unless a lost create can be looked up."""


@dataclass(frozen=True)
class Errors:
    """A vendor's own codes for the faults."""

    limited: int
    """A limited call."""
    unavailable: int
    """A refused create that may be sent again."""
    undecided: int
    """A create with an unknown outcome, answered with HTTP 500."""
    rejected: int
    """A rejected create."""


@dataclass(frozen=True)
class Model:
    """A model that the load orders."""

    name: str
    """Our name of the model."""
    vendors_name: str
    """The vendor's name of the model."""
    order: Behaviour
    """The fields of the request besides prompt and deadline."""
    usual: Behaviour
    """The sandbox's settings: small files for two cores, and slow enough that killed workers hold generations."""
    errors: Errors
    """The vendor's codes."""
    account: ProviderName
    """The account that serves the model."""
    can_be_cancelled: bool = False
    """Whether the vendor can cancel."""
    can_be_looked_up: bool = False
    """Whether a lost create can be looked up."""

    def behaviour(self, fault: VendorFault | None) -> Behaviour:
        """The sandbox's settings for an order with this fault."""
        return self.usual if fault is None else {**self.usual, **_behaviour(fault, self.errors)}


_IMAGE: Behaviour = {
    "seconds": 0.2,
    "create_latency_seconds": 0.2,
    "bytes_per_second": 4000,
    "delivered": {"width": 64, "height": 64},
}
_VIDEO: Behaviour = {
    **_IMAGE,
    "bytes_per_second": 40_000,
    "delivered": {"width": 64, "height": 64, "duration_seconds": 1, "frame_rate": 8},
}
_FIVE_SECONDS: Behaviour = {"duration_seconds": 5, "aspect_ratio": "1:1"}

# Kie says "not accepted" with code 500 in an HTTP 200. An HTTP 500 without a code says nothing.
_KIE = Errors(limited=429, unavailable=500, undecided=999, rejected=422)
_KLING = Errors(limited=1303, unavailable=5001, undecided=5000, rejected=1201)
_REPLICATE = Errors(limited=429, unavailable=503, undecided=500, rejected=422)

KIE_IMAGE = Model("nano-banana", "google/nano-banana", {}, _IMAGE, _KIE, "kie")
REPLICATE_IMAGE = Model(
    "flux-schnell", "black-forest-labs/flux-schnell", {}, _IMAGE, _REPLICATE, "replicate", can_be_cancelled=True
)
KIE_VIDEO = Model("kling-2.6-text-to-video", "kling-2.6/text-to-video", _FIVE_SECONDS, _VIDEO, _KIE, "kie")
KLING_VIDEO = Model(
    "kling-3.0-text-to-video", "text-to-video/kling-3.0", _FIVE_SECONDS, _VIDEO, _KLING, "kling", can_be_looked_up=True
)

SHARES: Sequence[tuple[Model, float]] = (
    (KIE_IMAGE, 0.6),
    (REPLICATE_IMAGE, 0.3),
    (KIE_VIDEO, 0.03),
    (KLING_VIDEO, 0.07),
)
"""The share of each model in the load."""

LIMITS: Mapping[ProviderName, AccountLimits] = {
    "kie": AccountLimits(in_flight=40, creates=[CreateRate(most=50, seconds=10)]),
    "replicate": AccountLimits(in_flight=25, creates=[CreateRate(most=25, seconds=10)]),
    "kling": AccountLimits(in_flight=10, creates=[CreateRate(most=10, seconds=10)]),
}
"""The limits of the accounts: above the usual load, and met after each outage and by orders whose faults take long."""


def usual_scenarios() -> list[Scenario]:
    """The sandbox's settings for orders without a fault."""
    return [
        Scenario.model_validate({**model.behaviour(None), "match": Match(model=model.vendors_name)})
        for model, _ in SHARES
    ]


def _behaviour(fault: VendorFault, errors: Errors) -> Behaviour:
    match fault:
        case VendorFault.CREATE_DROPPED:
            return {"create_reply": "drop"}
        case VendorFault.CREATE_FORGOTTEN:
            return {"create_reply": "drop", "callback": "lost"}
        case VendorFault.CREATE_GARBAGE:
            return {"create_reply": "garbage"}
        case VendorFault.CREATE_LIMITED:
            return {"create_error": _error(errors.limited), "create_error_times": 2}
        case VendorFault.CREATE_LIMITED_FOR:
            return {"create_error": _error(errors.limited, retry_after=3)}
        case VendorFault.CREATE_UNAVAILABLE:
            return {"create_error": _error(errors.unavailable), "create_error_times": 3}
        case VendorFault.CREATE_UNDECIDED:
            return {"create_error": _error(errors.undecided, http_status=500)}
        case VendorFault.CREATE_SLOW:
            return {"create_latency_seconds": 3}
        case VendorFault.CREATE_TIMED_OUT:
            return {"create_latency_seconds": 9}
        case VendorFault.REJECTED:
            return {"create_error": _error(errors.rejected)}
        case VendorFault.READ_BROKEN:
            return {"poll_error": _error(errors.undecided, http_status=500), "poll_error_times": 2}
        case VendorFault.READ_LIMITED:
            return {"poll_error": _error(errors.limited, retry_after=2)}
        case VendorFault.CANCEL_BROKEN:
            return {"cancel_error": _error(errors.undecided, http_status=500), "cancel_error_times": 2, "seconds": 6}
        case _:
            return _ALIKE[fault]


def _error(code: int, **more: int) -> dict[str, JsonValue]:
    return {"code": code, "msg": "requested by a chaos run", **more}


# The faults that are the same at all vendors.
_ALIKE: Mapping[VendorFault, Behaviour] = {
    VendorFault.TASK_FAILED: {"outcome": "fail"},
    VendorFault.RESULT_MISSING: {"empty_result": True},
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
    VendorFault.DOWNLOAD_EARLY: {"download_body": "json", "download_body_times": 2},
    VendorFault.DOWNLOAD_HALF: {"download_body": "half", "download_body_times": 1},
    VendorFault.DOWNLOAD_GZIP: {"download_encoding": "gzip"},
    VendorFault.DOWNLOAD_SLOW: {"bytes_per_second": 400},
    VendorFault.CANCEL_SLOW: {"cancel": "slow", "cancel_seconds": 2, "seconds": 6},
    VendorFault.CANCEL_IGNORED: {"cancel": "ignored", "seconds": 4},
}
