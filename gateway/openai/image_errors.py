"""The ends of an image request without images. The order is recorded, and an error says whether to send it again."""

from collections.abc import Sequence
from uuid import UUID

from notify.resources import failure_of, outcome_of, path_of
from schemas.causes import Cause
from schemas.errors import RequestError, Unavailable
from storage.details import Details

_REFUSALS = frozenset({Cause.REQUEST_REFUSED, Cause.OUTPUT_REFUSED})


class ImageRefused(RequestError):
    """The provider refused the request or the result. The code is that of the generation."""

    http_status = 400
    code = "content_rejected"
    title = "Refused by the provider"


class ImageFailed(RequestError):
    """The generation failed or was cancelled. The code is that of the generation."""

    http_status = 502
    code = "provider_failed"
    title = "Not made"


class ImageUnfinished(RequestError):
    """The images are still being made at the end of the wait."""

    http_status = 504
    code = "unfinished"
    title = "Unfinished"


class ImageInterrupted(Unavailable):
    """The gateway stops in the middle of the wait. A request that is sent again waits on at another gateway."""


def unfinished(ids: Sequence[UUID], *, seconds: float) -> ImageUnfinished:
    """The error for generations that have not ended within the time."""
    text = (
        f"not finished after {seconds:g} s, and still being made: do not send it again; {_paths(ids)} shows the result"
    )
    return ImageUnfinished(text, of_generations(ids))


def interrupted(ids: Sequence[UUID]) -> ImageInterrupted:
    """The error for generations that have not ended when the gateway stops."""
    text = (
        f"this gateway stops, and the order goes on: OpenAI's clients send it again and wait on; {_paths(ids)} shows it"
    )
    return ImageInterrupted(text, of_generations(ids))


def _paths(ids: Sequence[UUID]) -> str:
    return ", ".join(f"GET {path_of(each)}" for each in ids)


def without_result(found: Details) -> RequestError:
    """The error for a generation that ended without a result."""
    failure, outcome = failure_of(found.generation), outcome_of(found)
    words = outcome.message if outcome else "There is no result."
    is_refusal = outcome is not None and outcome.cause in _REFUSALS
    extra = of_generations([found.generation.id]) | {"charged": bool(outcome and outcome.charged)}
    text = f"{failure.message}: {words}" if failure and failure.message else words
    error = (ImageRefused if is_refusal else ImageFailed)(text, extra)
    error.code = failure.code if failure else "cancelled"
    return error


def of_generations(ids: Sequence[UUID]) -> dict[str, object]:
    """The members of an error that name its generations."""
    named = list(map(str, ids))
    return {"generation_id": named[0], **({"generation_ids": named} if len(named) > 1 else {})}
