"""The account at Kling in the legacy dialect: an API key, or a token signed with a pair of keys."""

import jwt

from sandbox.config import SandboxConfig
from sandbox.vendors.kling.account import KlingAccount
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling_legacy.callbacks import KlingLegacyCallbacks


class KlingLegacyAccount(KlingAccount):
    """Checks key and limits with Kling's errors."""

    def __init__(self, config: SandboxConfig) -> None:
        super().__init__(config)
        self._secret_key = config.kling_secret_key

    def _callbacks(self, config: SandboxConfig) -> KlingLegacyCallbacks:
        return KlingLegacyCallbacks(config.public_url, config.webhook_secret)

    def authorize(self, authorization: str | None) -> None:
        """Raise `KlingError` 1001 to 1004 unless the header carries the account's key or its signed token."""
        token = (authorization or "").removeprefix("Bearer ")
        if token.count(".") != 2:
            super().authorize(authorization)
            return
        try:
            claims = jwt.decode(
                token, self._secret_key, algorithms=["HS256"], options={"require": ["iss", "exp", "nbf"]}
            )
        except jwt.ImmatureSignatureError:
            raise KlingError(1003, "Authorization is not active yet") from None
        except jwt.ExpiredSignatureError:
            raise KlingError(1004, "Authorization has expired") from None
        except jwt.InvalidTokenError:
            raise KlingError(1002, "Authorization is invalid") from None
        if claims["iss"] != self._key:
            raise KlingError(1002, "Authorization is invalid")
