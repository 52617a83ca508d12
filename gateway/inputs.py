"""`/inputs/{key}`: the input files of orders, for providers that have a link to them."""

import hashlib
import time
from pathlib import PurePosixPath
from typing import Annotated

from fastapi import Depends, Query
from fastapi.responses import Response

from gateway.conditions import ConditionHeaders
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.openapi import problems
from gateway.problems import RangeNotSatisfiable
from gateway.routing import PrefixRouter
from gateway.streaming import STREAMED, ObjectMissing, StoredFile, stream
from schemas import input_link
from schemas.errors import NotFound, Unauthenticated

router = PrefixRouter(tags=["inputs"])

# Python refuses to parse an integer of thousands of digits.
_MOST_DIGITS = 12


def _require_link(
    services: ServicesOf,
    key: str,
    expires: Annotated[str, Query(alias="e", description="when the link ends, in Unix seconds")] = "",
    token: Annotated[str, Query(alias="t", description="the token of the link")] = "",
) -> None:
    secret = services.settings.secret_key.get_secret_value()
    is_time = expires.isascii() and expires.isdecimal() and len(expires) <= _MOST_DIGITS
    if not is_time or not input_link.verify(secret, key, int(expires), token):
        raise Unauthenticated("this is not a link that was handed out here")
    if int(expires) < time.time():
        raise Unauthenticated("this link has ended")


@router.get(
    "/inputs/{key:path}",
    summary="Fetch an input of an order (for providers)",
    response_class=Response,
    # Runs first: a caller without a valid link learns nothing.
    dependencies=[Depends(_require_link)],
    responses={**STREAMED, **problems(Unauthenticated, NotFound, RangeNotSatisfiable)},
)
def get_input(key: str, services: ServicesOf, conditions: ConditionHeaders, is_head: IsHead) -> Response:
    """Streams an input image or video of a customer. Supports `Range`.

    A provider gets a link to this path with the order if it cannot reach the object store.
    """
    found = services.objects.stat(key)
    if found is None:
        raise _gone()
    file = StoredFile(
        key=key,
        content_type=found.content_type,
        size_bytes=found.size_bytes,
        name=PurePosixPath(key).name,
        # No key is written twice, so the key identifies the content.
        tag=hashlib.sha256(key.encode()).hexdigest(),
    )
    try:
        return stream(services.objects, file, conditions, is_head=is_head)
    except ObjectMissing:
        raise _gone() from None


def _gone() -> NotFound:
    return NotFound("the file was deleted")
