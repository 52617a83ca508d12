"""Checks the links to files that Reelworks signs: `?e=SECONDS&t=TOKEN`."""

import time
from typing import Annotated

from fastapi import Query

from schemas.errors import Unauthenticated

Expires = Annotated[str, Query(alias="e", description="when the link ends, in Unix seconds")]
"""The end of a link, as the link spells it."""

Token = Annotated[str, Query(alias="t", description="the token of the link")]
"""The token of a link."""

# Python refuses to parse an integer of thousands of digits.
_MOST_DIGITS = 12


def require_valid(expires: str, *, is_ours: bool, ended: str = "this link has ended") -> None:
    """Require that a link is ours and has not ended.

    Args:
        is_ours: whether the token is the one of the link.
        ended: the message after the end.

    Raises:
        Unauthenticated: the link is not ours, or has ended.
    """
    is_time = expires.isascii() and expires.isdecimal() and len(expires) <= _MOST_DIGITS
    if not is_time or not is_ours:
        raise Unauthenticated("this is not a link that was handed out here")
    if int(expires) < time.time():
        raise Unauthenticated(ended)
