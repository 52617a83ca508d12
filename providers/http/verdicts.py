"""A vendor's own codes as data: what each means where no task came into being, and the error that it stands for."""

from collections.abc import Mapping
from dataclasses import dataclass

from providers.http.calls import Reply
from schemas.enums import ErrorCode
from schemas.errors import ProviderError, ProviderRejected


@dataclass(frozen=True)
class Verdict:
    """What one of a vendor's codes means, where no task came into being."""

    family: type[ProviderError]
    """The error that the code stands for."""

    text: str
    """What the vendor did, after its name: "refused our API key"."""

    code: ErrorCode | None = None
    """The cause that a customer is told, where it is not that of the error."""


def error_of(verdicts: Mapping[int, Verdict], code: int, reply: Reply, *, told: str = "") -> ProviderError:
    """The error of an answer without a task: by the vendor's code first, then by the HTTP status.

    Args:
        told: the vendor's own text, as far as it may be quoted; it helps where the request is at fault.
    """
    verdict = verdicts.get(code)
    if verdict is None:
        return reply.undocumented(f"the code {code}") if reply.is_success else reply.error()
    text = f"{reply.call.provider} {verdict.text} (code {code})"
    if told and verdict.family is ProviderRejected:
        text += f": {told}"
    return verdict.family(text, code=verdict.code, retry_after=reply.retry_after)
