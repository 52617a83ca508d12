"""The token of a count: it proves that an operator has seen what a lever would act on.

A token holds the id of the change, the count and its time in plain text, and a signature of these with the lever and
the selection. So a token fits no other lever and no other selection.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schemas import link_tokens
from schemas.levers import Lever, Selection

VALID_FOR = timedelta(hours=1)
"""How long a token can be used."""

_PURPOSE = b"reelworks.lever.v1:"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS = 4


@dataclass(frozen=True)
class Seen:
    """A count that an operator has seen. A token stands for one."""

    change_id: UUID
    """The id of the change: all calls with one token are one change."""
    count: int
    """The generations on which the lever would have acted: the most effects of the change."""
    counted_at: datetime
    """The time of the count. Later generations are not meant."""

    @property
    def ends_at(self) -> datetime:
        """The time after which the token is no longer valid."""
        return self.counted_at + VALID_FOR


def sign(secret: str, lever: Lever, selection: Selection, seen: Seen) -> str:
    """The token of a count."""
    plain = _plain(seen)
    return f"{plain}.{link_tokens.sign(secret, _PURPOSE, _signed(lever, selection, plain))}"


def read(secrets: Sequence[str], lever: Lever, selection: Selection, token: str) -> Seen | None:
    """The count that a token of one of the secrets stands for. None: of another lever or selection, or no token."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    plain = ".".join(parts[:-1])
    if not link_tokens.verify(secrets, _PURPOSE, _signed(lever, selection, plain), parts[-1]):
        return None
    change_id, count, microseconds = parts[:-1]
    return Seen(UUID(change_id), int(count), _EPOCH + timedelta(microseconds=int(microseconds)))


def _plain(seen: Seen) -> str:
    return f"{seen.change_id.hex}.{seen.count}.{(seen.counted_at - _EPOCH) // timedelta(microseconds=1)}"


def _signed(lever: Lever, selection: Selection, plain: str) -> bytes:
    digest = hashlib.sha256(selection.model_dump_json().encode()).hexdigest()
    return f"{lever}.{digest}.{plain}".encode()
