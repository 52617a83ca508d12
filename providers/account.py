"""A vendor account as every adapter needs it: where the API is, the keys, and calls that carry them."""

from collections.abc import Mapping
from typing import Literal

import httpx

from providers import redaction
from providers.base import Fence
from providers.transport import Call, Form, Reply, Transport
from schemas.errors import InvalidSettings
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
        base_url: str | None,
        scheme: str = "Bearer",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Describes the account.

        Args:
            base_url: the vendor's own, where the settings name no other; None: there is none.
            scheme: the word before the key in the Authorization header.
            headers: what the vendor wants on every call besides the key.

        Raises:
            InvalidSettings: there is none, and the settings name none.
        """
        address = settings.base_url or base_url
        if address is None:
            variable = f"REELWORKS_PROVIDERS__{provider.upper()}__BASE_URL"
            raise InvalidSettings(f"the provider {provider} needs an address: set {variable}")
        self.webhook_key = settings.webhook_key.get_secret_value()
        self._provider = provider
        self._base_url = address.rstrip("/")
        self._key = settings.api_key.get_secret_value()
        self._scheme = scheme
        self._headers = headers or {}
        self._timeout_seconds = settings.timeout_seconds
        self._transport = transport

    def call(
        self,
        operation: str,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | Form | None = None,
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
                url=self.url(path),
                timeout_seconds=self._timeout_seconds,
                headers={**self._headers, **self._authorization()},
                params=params,
                body=body,
                fence=fence,
            )
        )

    def url(self, path: str) -> str:
        """Where a path of the API lies."""
        return self._base_url + path

    def headers_for(self, url: str) -> Mapping[str, str]:
        """Headers for fetching a URL: our key, if it lies below the base URL, and none for any other."""
        return self._authorization() if _is_below(url, self._base_url) else {}

    def path_of(self, link: str) -> str | None:
        """The path of a link below this account's address, for `call`; None for any other link.

        A vendor's answer must not choose where our key goes.
        """
        return link.removeprefix(self._base_url) if link.startswith(f"{self._base_url}/") else None

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"{self._scheme} {self._key}"}

    def quotable(self, text: str, *, prompt: str = "") -> str:
        """What may be told of a vendor's text: without our key, the prompt, and links."""
        return redaction.quotable(text, secrets=(self._key, prompt))


def _is_below(url: str, base_url: str) -> bool:
    # Read by the same parser that the download goes by, so that both mean the same host.
    try:
        asked, base = httpx.URL(url), httpx.URL(base_url)
    except httpx.InvalidURL:
        return False
    climbs = ".." in asked.path.split("/")  # percent-encoded: others are resolved by now
    return not climbs and str(asked).startswith(f"{base}/")
