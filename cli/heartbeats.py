"""The workers that run, by their heartbeats."""

from collections.abc import Set as AbstractSet

from schemas.settings import Settings

# A worker sends a heartbeat every two seconds.
_LISTEN_SECONDS = 3.0


def running(settings: Settings, *, is_one_enough: bool = False) -> AbstractSet[str] | None:
    """The nodes of the workers that run. None: Redis does not answer.

    Args:
        is_one_enough: return as soon as one is known.
    """
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from workers.app import create_app
    from workers.heartbeats import hear

    try:
        with create_app(settings, process="worker") as app:
            return set(hear(app, seconds=_LISTEN_SECONDS, is_enough=bool if is_one_enough else lambda _: False))
    except (RedisError, OperationalError):
        return None
