"""The meaning of a generation's end for the customer: the cause, the charge, and whether to try again."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.enums import ErrorCode


class Cause(StrEnum):
    """The cause of an end without a result, by the party who can act on it."""

    REQUEST_REFUSED = "request_refused"
    OUTPUT_REFUSED = "output_refused"
    PROVIDER_FAULT = "provider_fault"
    OUR_FAULT = "our_fault"
    TIMED_OUT = "timed_out"
    CANCELLED_BEFORE_START = "cancelled_before_start"
    CANCELLED_AFTER_START = "cancelled_after_start"


CANCELS = frozenset({Cause.CANCELLED_BEFORE_START, Cause.CANCELLED_AFTER_START})
"""The causes of ends that the customer asked for. All others are failures."""


@dataclass(frozen=True)
class Consequence:
    """The consequence of a cause."""

    words: str
    """The text for the customer."""
    is_retryable: bool
    """Whether the same request may succeed another time."""
    may_charge: bool = False
    """Whether the credits may have been taken. Every other cause returns them."""


CONSEQUENCES: dict[Cause, Consequence] = {
    Cause.REQUEST_REFUSED: Consequence("The provider refused this request. Change it before you send it again.", False),
    Cause.OUTPUT_REFUSED: Consequence(
        "The provider made something and withheld it. Change the request before you send it again.", False
    ),
    Cause.PROVIDER_FAULT: Consequence("The provider did not deliver. You may send the same request again.", True),
    Cause.OUR_FAULT: Consequence("Something went wrong on our side. You may send the same request again.", True),
    Cause.TIMED_OUT: Consequence("It was not ready in time. You may send the same request again.", True),
    Cause.CANCELLED_BEFORE_START: Consequence("You cancelled it before it began.", True),
    Cause.CANCELLED_AFTER_START: Consequence("You cancelled it while it was being made.", True, may_charge=True),
}

_CAUSES: dict[ErrorCode, Cause] = {
    ErrorCode.TIMEOUT: Cause.TIMED_OUT,
    ErrorCode.NOT_STARTED: Cause.TIMED_OUT,
    ErrorCode.PROVIDER_UNAVAILABLE: Cause.PROVIDER_FAULT,
    ErrorCode.PROVIDER_REJECTED: Cause.REQUEST_REFUSED,
    ErrorCode.PROVIDER_FAILED: Cause.PROVIDER_FAULT,
    # The account at the provider is ours.
    ErrorCode.PROVIDER_AUTH_FAILED: Cause.OUR_FAULT,
    ErrorCode.PROVIDER_QUOTA_EXCEEDED: Cause.OUR_FAULT,
    ErrorCode.PROVIDER_BAD_RESPONSE: Cause.PROVIDER_FAULT,
    ErrorCode.CONTENT_REJECTED: Cause.REQUEST_REFUSED,
    ErrorCode.INPUT_UNREADABLE: Cause.REQUEST_REFUSED,
    ErrorCode.SUBMIT_OUTCOME_UNKNOWN: Cause.PROVIDER_FAULT,
    ErrorCode.DOWNLOAD_FAILED: Cause.PROVIDER_FAULT,
    ErrorCode.RESULT_INVALID: Cause.PROVIDER_FAULT,
    # The server is ours.
    ErrorCode.WORK_LOST: Cause.OUR_FAULT,
    # The price is ours.
    ErrorCode.COST_ABOVE_PRICE: Cause.OUR_FAULT,
    ErrorCode.INTERNAL: Cause.OUR_FAULT,
}


def cause_of_failure(code: ErrorCode, *, was_accepted: bool) -> Cause:
    """The cause of a failure. `was_accepted`: the provider had begun, so a rejection concerns the result."""
    if code is ErrorCode.CONTENT_REJECTED and was_accepted:
        return Cause.OUTPUT_REFUSED
    return _CAUSES[code]


def cause_of_cancel(*, was_accepted: bool) -> Cause:
    """The cause of a cancelled generation."""
    return Cause.CANCELLED_AFTER_START if was_accepted else Cause.CANCELLED_BEFORE_START
