"""`Prefer: wait=N` (RFC 7240): a request for a generation stays open until the generation ends, or for N seconds."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

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


async def _wait(
    request: Request,
    prefer: Annotated[
        str | None,
        Header(
            alias="Prefer",
            description="`wait=N` keeps the request open until the generation has ended, or for N seconds, up to "
            f"{LONGEST_WAIT_SECONDS}",
            examples=["wait=30"],
        ),
    ] = None,
) -> int:
    return wait_seconds(request.headers.getlist("prefer")) if prefer else 0


Wait = Annotated[int, Depends(_wait)]
"""The seconds for which a request may wait. 0: answer at once."""
