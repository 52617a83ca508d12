"""A vendor account as every adapter needs it: where the API is, the keys, and calls that carry them."""

from collections.abc import Mapping
from typing import Literal

from providers import redaction
from providers.base import Fence
from providers.transport import Call, Reply, Transport
from schemas.names import ProviderName
from schemas.settings import ProviderSettings


class Account:
    """An account at a vendor whose API takes a key in the Authorization header.

    `webhook_key` verifies the vendor's callbacks; empty: they are not signed.
    """

    def __init__(
        self,
        provider: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        base_url: str,
        scheme: str = "Bearer",
    ) -> None:
        """Describes the account.

        Args:
            base_url: the vendor's own, where the settings name no other.
            scheme: the word before the key in the Authorization header.
        """
        self.webhook_key = settings.webhook_key.get_secret_value()
        self._provider = provider
        self._base_url = (settings.base_url or base_url).rstrip("/")
        self._key = settings.api_key.get_secret_value()
        self._scheme = scheme
        self._timeout_seconds = settings.timeout_seconds
        self._transport = transport

    def call(
        self,
        operation: str,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        fence: Fence | None = None,
    ) -> Reply:
        """Make a call with our key, and read its answer, of any status. With a `fence` it is a create.

        Raises: as `Transport.send` does.
        """
        return self._transport.send(
            Call(
                provider=self._provider,
                operation=operation,
                method=method,
                url=self._base_url + path,
                timeout_seconds=self._timeout_seconds,
                headers={"Authorization": f"{self._scheme} {self._key}"},
                params=params,
                body=body,
                fence=fence,
            )
        )

    def path_of(self, link: str) -> str | None:
        """The path of a link below this account's address, for `call`; None for any other link.

        A vendor's answer must not choose where our key goes.
        """
        return link.removeprefix(self._base_url) if link.startswith(f"{self._base_url}/") else None

    def quotable(self, text: str, *, prompt: str = "") -> str:
        """What may be told of a vendor's text: without our key, the prompt, and links."""
        return redaction.quotable(text, secrets=(self._key, prompt))
