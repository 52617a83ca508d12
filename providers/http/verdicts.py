"""A vendor's error codes as data: the meaning and the error of each, for answers that create no task."""

from collections.abc import Mapping
from dataclasses import dataclass

from providers.http.calls import Reply
from schemas.enums import ErrorCode
from schemas.limits import Refusal
from schemas.provider_errors import ProviderError, ProviderRejected


@dataclass(frozen=True)
class Verdict:
    """The meaning of one of a vendor's error codes."""

    family: type[ProviderError]
    """The error class."""

    text: str
    """The part of the message after the vendor's name: "refused our API key"."""

    code: ErrorCode | None = None
    """The cause to show to a customer. None: the cause of the error class."""

    refusal: Refusal | None = None
    """Why the vendor takes nothing of our account now. None: the meaning of the error class."""


def error_of(verdicts: Mapping[int, Verdict], code: int, reply: Reply, *, told: str = "") -> ProviderError:
    """The error of an answer without a task. The vendor's code decides first, then the HTTP status.

    Args:
        told: the vendor's text. The message quotes it if the request is at fault.
    """
    verdict = verdicts.get(code)
    if verdict is None:
        return reply.undocumented(f"the code {code}") if reply.is_success else reply.error()
    text = f"{reply.call.provider} {verdict.text} (code {code})"
    if told and verdict.family is ProviderRejected:
        text += f": {told}"
    return verdict.family(text, code=verdict.code, retry_after=reply.retry_after, refusal=verdict.refusal)
