"""Makes one try to send a message: an HTTP POST with limits of time and size, through the address guard."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx

from providers.http.addresses import AddressPolicy
from providers.http.async_network import GuardedTransport
from providers.http.retry_after import retry_after_seconds
from providers.http.urls import web_url
from schemas.errors import DownloadError
from schemas.text import visible
from schemas.webhook_settings import WebhookSettings

USER_AGENT: Final = "Reelworks-Webhooks/1"

KEPT_BYTES: Final = 1024
"""The first bytes of an answer that are kept."""

_MOST_RETRY_AFTER_SECONDS: Final = 86_400.0

_CONNECT_SECONDS: Final = 5.0
"""The limit for one address of the host. The next address follows."""

# The status of an answer decides. The rest of a longer or slower answer is left unread, and the connection is closed.
_MOST_ANSWER_BYTES: Final = 64 * 1024
_ANSWER_SECONDS: Final = 2.0

# A burst shares connections. A server could close a connection that idles for longer while we write.
_IDLE_SECONDS: Final = 2.0

HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": USER_AGENT,
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
"""The headers of every message, besides those that sign."""

_MOST_ERROR_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Try:
    """What came of one try."""

    began_at: datetime
    """The beginning of the try."""
    seconds: float
    """How long the try took."""
    status: int | None = None
    """The HTTP status of the answer. None: no answer came."""
    answer: str = ""
    """The first bytes of the answer, as text."""
    error: str | None = None
    """Why the try failed, for people. None after a success."""
    retry_after: float | None = None
    """The seconds that the endpoint wants us to wait."""


class Sender:
    """Sends messages for one event loop."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._transport = GuardedTransport(
            limits=httpx.Limits(
                max_connections=settings.places,
                max_keepalive_connections=settings.places,
                keepalive_expiry=_IDLE_SECONDS,
            ),
            policy=AddressPolicy(
                settings.allowed_private_networks, of="the endpoint", not_public="is not known, or is not public"
            ),
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Try:
        """Make a try. Never raises an error of the endpoint or of its URL."""
        began_at, began = datetime.now(UTC), time.monotonic()
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                status, answer, retry_after = await self._post(url, headers, body)
        except TimeoutError:
            error = f"no answer within {self._settings.timeout_seconds:g} s"
            return Try(began_at, time.monotonic() - began, error=error)
        except (httpx.HTTPError, httpx.InvalidURL, DownloadError, ValueError) as error:
            return Try(began_at, time.monotonic() - began, error=_in_words(error))
        return Try(began_at, time.monotonic() - began, status, answer, _refusal(status), retry_after)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, float | None]:
        request = httpx.Request("POST", self._checked(url), headers={**HEADERS, **headers}, content=body)
        # The caller limits the rest.
        request.extensions["timeout"] = httpx.Timeout(None, connect=_CONNECT_SECONDS).as_dict()
        response = await self._transport.handle_async_request(request)
        try:
            answer = await _first_bytes(response)
        finally:
            await response.aclose()
        if response.is_success:
            return response.status_code, answer, None
        retry_after = retry_after_seconds(
            response.headers.get("retry-after"), now=datetime.now(UTC), most=_MOST_RETRY_AFTER_SECONDS
        )
        return response.status_code, answer, retry_after

    def _checked(self, url: str) -> httpx.URL:
        parsed = web_url(url)
        if parsed.scheme != "https" and not self._settings.allow_http:
            raise httpx.InvalidURL("the endpoint's URL must begin with https://")
        return parsed

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()


async def _first_bytes(response: httpx.Response) -> str:
    """Read an answer up to limits of size and time. Returns its first bytes as text."""
    kept, count = bytearray(), 0
    # The status came, so a cut or endless answer changes nothing.
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(_ANSWER_SECONDS):
            async for chunk in response.aiter_raw():
                kept += chunk[: KEPT_BYTES - len(kept)]
                count += len(chunk)
                if count > _MOST_ANSWER_BYTES:
                    break
    return visible(bytes(kept).decode(errors="replace"))[:KEPT_BYTES]


def _refusal(status: int) -> str | None:
    """Why the endpoint did not take the message, by its status. None: it did."""
    if httpx.codes.is_success(status):
        return None
    if httpx.codes.is_redirect(status):
        return f"status {status}: redirects are not followed; change the endpoint's URL to the final one"
    return f"status {status}"


def _in_words(error: Exception) -> str:
    match error:
        case httpx.ConnectTimeout():
            text = f"cannot connect within {_CONNECT_SECONDS:g} s"
        case httpx.ConnectError():
            text = f"cannot connect: {error}"
        case httpx.HTTPError():
            text = f"no answer: {str(error) or type(error).__name__}"
        case _:
            text = str(error)
    return visible(text)[:_MOST_ERROR_CHARACTERS]
