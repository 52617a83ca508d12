"""The types of problems that only the gateway meets. `schemas.errors` has those of all doors."""

from collections.abc import Callable, Mapping

from fastapi.responses import Response

from schemas.errors import RequestError, TooManyRequests

MEDIA_TYPE = "application/problem+json"

ErrorForm = Callable[[RequestError], Response]
"""Writes an error in the form of a dialect: status, body and the dialect's own headers."""


class BadRequest(RequestError):
    """The request is not valid HTTP or JSON."""


class MethodNotAllowed(RequestError):
    http_status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class RequestTimeout(RequestError):
    """The client sent too slowly."""

    http_status = 408
    code = "request_timeout"
    title = "Request timeout"


class ContentTooLarge(RequestError):
    http_status = 413
    code = "content_too_large"
    title = "Content too large"


class UnsupportedMediaType(RequestError):
    http_status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class OriginRefused(RequestError):
    """A page in a browser that may not call this path."""

    http_status = 403
    code = "origin_refused"
    title = "Origin refused"


class CsrfTokenMissing(RequestError):
    """A request by the session's cookie that changes something, without the session's own token."""

    http_status = 403
    code = "csrf_token_missing"
    title = "CSRF token missing or wrong"


class CrossSiteRequest(RequestError):
    """A request by the session's cookie, or a sign-in, that a page of another origin sent."""

    http_status = 403
    code = "cross_site_request"
    title = "Cross-site request"


class ViewIsReadOnly(RequestError):
    """The session views a customer, or its key is a service's or the operator's, and the request changes something."""

    http_status = 403
    code = "view_is_read_only"
    title = "View is read-only"


class NoResult(RequestError):
    """The generation ended without a result, or the result was lost."""

    http_status = 409
    code = "no_result"
    title = "No result"


class AssetExpired(RequestError):
    """The file's retention time is over, and the file was deleted."""

    http_status = 410
    code = "asset_expired"
    title = "Asset expired"


class TooManyShares(RequestError):
    """The generation has as many working shares as it may."""

    http_status = 409
    code = "too_many_shares"
    title = "Too many shares"


class TooManyEndpoints(RequestError):
    """The customer has as many webhook endpoints as a customer may have."""

    http_status = 409
    code = "too_many_endpoints"
    title = "Too many webhook endpoints"


class RangeNotSatisfiable(RequestError):
    http_status = 416
    code = "range_not_satisfiable"
    title = "Range not satisfiable"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the file has {size_bytes} bytes: ask for a range that begins before its end")
        self.size_bytes = size_bytes


class RateLimited(TooManyRequests):
    """The API key has sent as many requests as it may."""

    code = "rate_limited"
    title = "Rate limit reached"

    def __init__(self, policy: str, amount: int, retry_after: int, headers: Mapping[str, str]) -> None:
        super().__init__(
            f"this API key may send {amount} {policy} in a minute: wait for the seconds of Retry-After, then go on",
            {"policy": policy, "limit_per_minute": amount, "retry_after": retry_after},
        )
        self.headers = {**headers, "Retry-After": str(retry_after)}


class HeadTooLarge(RequestError):
    """The request line and the headers are too large."""

    http_status = 431
    code = "head_too_large"
    title = "Request header fields too large"
