"""The headers of a vendor that name the time to wait: `Retry-After`, `Retry-After-Ms`, `X-RateLimit-Reset-Requests`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 300.0

_NUMBER = r"\d{1,6}(?:\.\d{1,6})?"
_DURATION = re.compile(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?(?:({_NUMBER})ms)?", re.ASCII)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait before the next call. `Retry-After-Ms` has priority, because it is more precise.

    Without either form of `Retry-After`, the reset of OpenAI's count of requests counts, once nothing is left of it.
    """
    milliseconds = headers.get("retry-after-ms", "")
    if milliseconds.isascii() and milliseconds.isdigit():
        return min(float(milliseconds) / 1000, MAX_RETRY_AFTER_SECONDS)
    seconds = retry_after_seconds(headers.get("retry-after"), now=datetime.now(UTC))
    if seconds is None and headers.get("x-ratelimit-remaining-requests") == "0":
        return _reset(headers.get("x-ratelimit-reset-requests", ""))
    return seconds


def _reset(text: str) -> float | None:
    """The seconds of a duration such as "6m0s" or "12ms"; None if the text is no duration."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    seconds = sum(float(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1, 0.001), strict=True))
    return min(seconds, MAX_RETRY_AFTER_SECONDS)


def retry_after_seconds(value: str | None, *, now: datetime, most: float = MAX_RETRY_AFTER_SECONDS) -> float | None:
    """The seconds in a Retry-After header, at most `most`; None if the header is missing or invalid.

    Accepts both forms of RFC 9110, section 10.2.3: a number of seconds, and a date.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            # A year or a zone can be too large.
            return None
    return min(max(seconds, 0.0), most)
