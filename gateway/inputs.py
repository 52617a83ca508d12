"""`/inputs/{key}`: the input files of orders, for providers that have a link to them."""

import hashlib
from pathlib import PurePosixPath

from fastapi import Depends
from fastapi.responses import Response

from gateway.conditions import ConditionHeaders
from gateway.dependencies import ServicesOf
from gateway.head import IsHead
from gateway.openapi import problems
from gateway.problems import RangeNotSatisfiable
from gateway.routing import PrefixRouter
from gateway.signed_links import Expires, Token, require_valid
from gateway.streaming import STREAMED, ObjectMissing, StoredFile, stream
from schemas import input_link
from schemas.errors import NotFound, Unauthenticated

router = PrefixRouter(tags=["inputs"])


def _require_link(services: ServicesOf, key: str, expires: Expires = "", token: Token = "") -> None:
    secrets = services.settings.accepted_keys
    require_valid(expires, is_ours=input_link.verify(secrets, key, expires, token))


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
