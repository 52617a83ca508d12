"""The headers `Retry-After` and `Retry-After-Ms`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = 300.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait before the next call. `Retry-After-Ms` has priority, because it is more precise."""
    milliseconds = headers.get("retry-after-ms", "")
    if milliseconds.isascii() and milliseconds.isdigit():
        return min(float(milliseconds) / 1000, MAX_RETRY_AFTER_SECONDS)
    return retry_after_seconds(headers.get("retry-after"), now=datetime.now(UTC))


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
