"""Makes a token from an access key and a secret key: a JWT, as Kling's page "Authentication" specifies.

Source: https://kling.ai/document-api
"""

from collections.abc import Callable, Mapping
from threading import Lock

import jwt

LIFETIME_SECONDS = 1800
# Kling's clock can be behind ours.
_EARLY_SECONDS = 5
# The maximum age of a token at the start of a call. The token must stay valid until the call ends.
_USED_SECONDS = 1500


def make_token(access_key: str, secret_key: str, now: int) -> str:
    """A token that is valid from shortly before `now` (Unix seconds) for half an hour."""
    claims = {"iss": access_key, "exp": now + LIFETIME_SECONDS, "nbf": now - _EARLY_SECONDS}
    return jwt.encode(claims, secret_key, algorithm="HS256")


class Tokens:
    """The token of a pair of keys. Threads share the token. It is replaced before it expires."""

    def __init__(self, access_key: str, secret_key: str, clock: Callable[[], float]) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock
        self._lock = Lock()
        self._token = ""
        self._made_at: float | None = None

    def headers(self) -> Mapping[str, str]:
        """The authentication header, with a valid token."""
        with self._lock:
            now = self._clock()
            # If the clock was set back, the token is not valid yet.
            if self._made_at is None or not self._made_at <= now < self._made_at + _USED_SECONDS:
                self._token = make_token(self._access_key, self._secret_key, int(now))
                self._made_at = now
            return {"Authorization": f"Bearer {self._token}"}
