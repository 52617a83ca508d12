"""Limits the requests of each API key, in all gateway processes together. The counts are in Redis.

The headers are those of the IETF draft "RateLimit header fields for HTTP". Without Redis, every request is served.
"""

import math
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage.redis.bridge import RedisBridge
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.problems import RateLimited
from schemas.setting_groups import RateLimitSettings

log = structlog.get_logger()

ALLOWANCE: Final = "reelworks.allowance"
"""The name in a request's state under which its `Allowance` is."""

_PREFIX = "reelworks:limits"

# One script runs both scripts of the library, so a request makes one round trip. The first script counts the request if
# the window of the last `seconds` has room. The second returns the time of the oldest request in the window, and the
# number of requests.
_COUNT = f"""
local function acquire(KEYS, ARGV)
{RedisBridge.SCRIPT_ACQUIRE_MOVING_WINDOW.decode()}
end
local function window(KEYS, ARGV)
{RedisBridge.SCRIPT_MOVING_WINDOW.decode()}
end
local now, limit, seconds = ARGV[1], ARGV[2], ARGV[3]
local is_allowed = acquire(KEYS, {{now, limit, seconds, 1}})
return {{is_allowed and 1 or 0, window(KEYS, {{now - seconds, limit}})}}
"""

# A Redis that hangs delays a request by so long, and then no request for a pause.
_TIMEOUT_SECONDS = 0.5
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True)
class Allowance:
    """The requests that a key may still send."""

    policy: str
    """The name of the limit: "reads" or "writes"."""
    limit: RateLimitItem
    """The limit."""
    remaining: int
    """The requests that are left now."""
    reset_seconds: int
    """The seconds until at least one more request is allowed."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an answer."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit.amount};w={self.limit.get_expiry()}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_seconds}',
        }


class RateLimits:
    """The limits of the operator's settings. Use an object in one event loop."""

    def __init__(self, redis_url: str, settings: RateLimitSettings) -> None:
        self._limits = {
            policy: RateLimitItemPerMinute(amount)
            for policy, amount in {"reads": settings.reads_per_minute, "writes": settings.writes_per_minute}.items()
            if amount is not None
        }
        self._redis = Redis.from_url(
            redis_url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._run = self._redis.register_script(_COUNT)
        self._paused_until = 0.0
        self._is_away = False

    async def take(self, key_id: UUID, *, is_read: bool) -> Allowance | None:
        """Count a request of a key. None: there is no limit, or Redis does not answer.

        Raises:
            RateLimited: the key has sent as many requests as it may.
        """
        policy = "reads" if is_read else "writes"
        limit = self._limits.get(policy)
        if limit is None or time.monotonic() < self._paused_until:
            return None
        try:
            is_allowed, allowance = await self._count(policy, limit, key_id)
        except (RedisError, OSError) as error:
            self._note_failure(error)
            return None
        self._note_success()
        if not is_allowed:
            raise RateLimited(policy, limit.amount, allowance.reset_seconds, allowance.headers)
        return allowance

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _count(self, policy: str, limit: RateLimitItem, key_id: UUID) -> tuple[bool, Allowance]:
        key = f"{_PREFIX}:{limit.key_for(policy, key_id.hex)}"
        now, seconds = time.time(), limit.get_expiry()
        is_allowed, (oldest, count) = await self._run([key], [now, limit.amount, seconds])
        # The script rounds the time, which can put the oldest request after now.
        reset_seconds = min(max(1, math.ceil(float(oldest) + seconds - now)), seconds)
        return bool(is_allowed), Allowance(policy, limit, limit.amount - count, reset_seconds)

    def _note_failure(self, error: Exception) -> None:
        self._paused_until = time.monotonic() + _PAUSE_SECONDS
        if not self._is_away:
            log.warning("rate_limits_not_applied", error=type(error).__name__)
        self._is_away = True

    def _note_success(self) -> None:
        if self._is_away:
            log.info("rate_limits_applied_again")
        self._is_away = False
