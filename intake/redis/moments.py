"""The times that envelopes name."""

from datetime import UTC, datetime

from schemas.plain_messages import Refused


def moment(expires: object) -> datetime | None:
    """The end of a message's validity. A time without a zone is UTC, as Celery's clients send it.

    Raises:
        Refused: the value is no ISO 8601 time.
    """
    if expires is None:
        return None
    try:
        time = datetime.fromisoformat(expires if isinstance(expires, str) else "")
    except ValueError:
        raise Refused("the message's expires must be an ISO 8601 time") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
