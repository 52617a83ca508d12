"""The token that an access key and a secret key stand for: a JWT, as "Authentication" of Kling's documents has it.

https://kling.ai/document-api
"""

from collections.abc import Callable, Mapping
from threading import Lock

import jwt

LIFETIME_SECONDS = 1800
# Kling's clock may be behind ours.
_EARLY_SECONDS = 5
# A token must outlive the call that it is sent with, which begins after this.
_USED_SECONDS = 1500


def make_token(access_key: str, secret_key: str, now: int) -> str:
    """A token that holds from a little before `now` (Unix seconds) for half an hour."""
    claims = {"iss": access_key, "exp": now + LIFETIME_SECONDS, "nbf": now - _EARLY_SECONDS}
    return jwt.encode(claims, secret_key, algorithm="HS256")


class Tokens:
    """The token of a pair of keys, one for all threads, made anew before it runs out."""

    def __init__(self, access_key: str, secret_key: str, clock: Callable[[], float]) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._made_at: float | None = None

    def headers(self) -> Mapping[str, str]:
        """The header that proves who we are, at this moment."""
        with self._lock:
            now = self._clock()
            # A clock that was set back makes a token that does not hold yet.
            if self._made_at is None or not self._made_at <= now < self._made_at + _USED_SECONDS:
                self._token = make_token(self._access_key, self._secret_key, int(now))
                self._made_at = now
            return {"Authorization": f"Bearer {self._token}"}
