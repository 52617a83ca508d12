"""`Prefer: wait=N` (RFC 7240): a request for a generation stays open until the generation ends, or for N seconds."""

import re
from typing import Annotated

from fastapi import Header, Request

LONGEST_WAIT_SECONDS = 60

_WAIT = re.compile(r'\s*wait\s*=\s*"?(?P<seconds>[0-9]{1,9})"?\s*(?:;.*)?', re.IGNORECASE)

APPLIED: dict[str, object] = {
    "Preference-Applied": {
        "description": "`wait=N`: the request waited for the end of the generation, up to N seconds",
        "schema": {"type": "string"},
    }
}
"""The description of the answer's header."""


def wait_seconds(preferences: list[str]) -> int:
    """The seconds of the first `wait` in `Prefer` headers. 0 without one: a preference that makes no sense is ignored.

    More than a minute counts as a minute.
    """
    for preference in ",".join(preferences).split(","):
        match = _WAIT.fullmatch(preference)
        if match is not None:
            return min(int(match["seconds"]), LONGEST_WAIT_SECONDS)
    return 0


Prefer = Annotated[
    str | None,
    Header(
        alias="Prefer",
        description="`wait=N` keeps the request open until the generation has ended, or for N seconds, up to "
        f"{LONGEST_WAIT_SECONDS}",
        examples=["wait=1"],
    ),
]
"""The first `Prefer` header. A parameter of the route itself, because a dependency costs each request more time."""


def wait_of(request: Request, prefer: str | None) -> int:
    """The seconds for which a request may wait. 0: answer at once.

    Args:
        prefer: the first `Prefer` header. A request may have several.
    """
    return wait_seconds(request.headers.getlist("prefer")) if prefer else 0
