"""Opens a result, whole or from an offset. Checks the address of every redirect."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import httpx

from providers.base import ResultRequest
from providers.files.pace import Pace
from providers.http import embedded
from providers.http.addresses import AddressPolicy
from providers.http.encodings import decoded, is_encoded
from providers.http.network import USER_AGENT, LimitedTransport
from providers.http.urls import web_url
from schemas.errors import DownloadError
from schemas.setting_groups import DownloadSettings

_CONNECT_SECONDS = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# `identity`: sizes, ranges and checksums refer to the file, so the server must not compress it.
_HEADERS = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
_REFUSED_LINKS = frozenset({401, 403, 404, 410})
_GONE = frozenset({404, 410})


@dataclass(frozen=True)
class Validator:
    """The headers that identify the version of a file."""

    etag: str | None = None
    """The header ETag."""

    last_modified: str | None = None
    """The header Last-Modified."""

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """The validators of a response."""
        return cls(response.headers.get("etag"), response.headers.get("last-modified"))

    @property
    def if_range(self) -> str | None:
        """The value for If-Range. Weak entity tags are not allowed there (RFC 9110, section 13.1.5)."""
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def matches(self, response: httpx.Response) -> bool:
        """Whether the response can be of the same version: no validator differs."""
        other = Validator.of(response)
        return all(
            mine is None or theirs is None or mine == theirs
            for mine, theirs in ((self.etag, other.etag), (self.last_modified, other.last_modified))
        )


class ResultSource:
    """One result, with one connection. The time limit starts when this object is made."""

    def __init__(self, request: ResultRequest, settings: DownloadSettings) -> None:
        self._request = request
        self._settings = settings
        self._ends_at = time.monotonic() + settings.timeout_seconds
        self._wait_ends_at = self._ends_at
        self._pace = Pace(
            least_bytes_per_second=settings.least_bytes_per_second, window_seconds=settings.idle_timeout_seconds
        )
        self._response: httpx.Response | None = None
        # A transport, not an `httpx.Client`: a client follows redirects, keeps cookies and decodes bodies.
        self._transport = LimitedTransport(
            time_left=lambda: min(self._ends_at, self._wait_ends_at) - time.monotonic(),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            policy=AddressPolicy(settings.allowed_private_networks),
        )

    def time_left(self) -> float:
        """The seconds until the time limit; negative after it."""
        return self._ends_at - time.monotonic()

    def open(self, *, offset: int = 0, validator: Validator | None = None) -> httpx.Response:
        """Open a response: status 200, or 206 if the server continues at `offset`. Closes the previous response.

        Asks for the whole file if no validator fits If-Range, because a range could be of another version.

        Raises:
            DownloadError: the server refuses the link, the policy refuses an address, or there are too many redirects.
            httpx.HTTPError: the connection failed.
        """
        self._close_response()
        if_range = validator.if_range if validator and self._request.embedded_in is None else None
        wanted = {"Range": f"bytes={offset}-", "If-Range": if_range} if offset and if_range else {}
        response = self._follow(wanted)
        if response.status_code not in {200, 206 if wanted else 200}:
            raise _refused(response.status_code)
        return response

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The bytes of the file in a response, from its beginning.

        Raises:
            WrongFile: the response has an encoding that is not decoded.
        """
        name, after = self._request.embedded_in, self._request.embedded_after
        body = decoded(self.raw(response)) if is_encoded(response) else self.raw(response)
        return body if name is None else embedded.file_in(body, name, after=after)

    def raw(self, response: httpx.Response) -> Iterator[bytes]:
        """The bytes of a response as the host sends them.

        Raises:
            SlowSource: the host sends less than the least rate.
        """
        chunks = response.iter_raw()
        while True:
            began = self._begin_wait(self._settings.idle_timeout_seconds)
            chunk = next(chunks, None)
            if chunk is None:
                return
            self._pace.add(len(chunk), seconds=time.monotonic() - began)
            yield chunk

    def _begin_wait(self, seconds: float) -> float:
        """Limit a wait for the host, also where the host sends single bytes of a head. Returns the time now."""
        now = time.monotonic()
        self._wait_ends_at = now + seconds
        return now

    def size_of(self, response: httpx.Response) -> int | None:
        """The size of the file in a response; None if the response does not name it.

        Raises:
            WrongFile: the response has an encoding that is not decoded.
        """
        if self._request.embedded_in is not None or is_encoded(response):
            return None
        length = response.headers.get("content-length")
        return None if length is None else int(length)

    def _follow(self, wanted: Mapping[str, str]) -> httpx.Response:
        url = _parsed(self._request.url)
        first = url
        for _ in range(self._settings.max_redirects + 1):
            headers = self._request.headers if _origin(url) == _origin(first) else {}
            response = self._response = self._send(url, {**headers, **wanted})
            # A POST is not redirected.
            if response.status_code not in _REDIRECTS or self._request.body is not None:
                return response
            url = _parsed(response.headers.get("location", ""), base=url)
            response.close()
        raise DownloadError(f"the file's link redirects more than {self._settings.max_redirects} times", is_final=True)

    def _send(self, url: httpx.URL, headers: Mapping[str, str]) -> httpx.Response:
        idle_seconds = self._settings.idle_timeout_seconds
        timeout = httpx.Timeout(idle_seconds, connect=min(_CONNECT_SECONDS, idle_seconds))
        self._begin_wait(_CONNECT_SECONDS + idle_seconds)
        body = self._request.body
        return self._transport.handle_request(
            httpx.Request(
                "GET" if body is None else "POST",
                url,
                headers={**_HEADERS, **headers},
                json=body,
                extensions={"timeout": timeout.as_dict()},
            )
        )

    def lost(self, error: httpx.HTTPError) -> DownloadError:
        """The final error after a lost connection. The message omits the URL, which is a secret."""
        if self.time_left() <= 0:
            return DownloadError(f"the download took longer than {self._settings.timeout_seconds:g} s")
        if isinstance(error, httpx.ReadTimeout):
            return DownloadError(f"the file's host sent nothing for {self._settings.idle_timeout_seconds:g} s")
        return DownloadError(f"the connection to the file's host was lost ({type(error).__name__})")

    def close(self) -> None:
        """Close the connection."""
        self._close_response()
        self._transport.close()

    def _close_response(self) -> None:
        if self._response is not None:
            self._response.close()


def _parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        return web_url(url, base=base)
    except httpx.InvalidURL:
        raise DownloadError("the file's link is not an http or https URL with a host", is_final=True) from None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _refused(status: int) -> DownloadError:
    is_stale, is_gone = status in _REFUSED_LINKS, status in _GONE
    return DownloadError(f"the file's host answered HTTP {status}", is_stale=is_stale, is_gone=is_gone)
