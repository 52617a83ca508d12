"""Checks Redis."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from cli.doctor import clock
from cli.doctor.findings import Finding, error, ok, warning
from cli.doctor.running import each, reason
from schemas.settings import Settings

# `LMOVE` and `BLMOVE`.
_OLDEST = (6, 2)
_LOW, _FULL = 0.7, 0.9

Info = Mapping[str, Any]
"""The answer to INFO."""


def checks(settings: Settings) -> Iterator[Finding]:
    """All checks of Redis."""
    with Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=5) as client:
        try:
            before = time.time()
            seconds, microseconds = client.time()
            info: Info = client.info("everything")
        except RedisError as trouble:
            yield error("redis", reason(trouble, settings), "start Redis, or correct REELWORKS_REDIS_URL")
            return
    yield clock.compared("Redis", seconds + microseconds / 1e6, before=before)
    yield from each((version, mode, eviction, persistence, memory), info, settings)


def version(info: Info) -> Finding:
    """The version of the server. Valkey reports the version of Redis that it is compatible with."""
    given = str(info["redis_version"])
    shown = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {given}"
    if tuple(int(part) for part in given.split(".")[:2]) < _OLDEST:
        return error("redis version", f"{shown} is too old", "upgrade to Redis 6.2 or Valkey")
    return ok("redis version", shown)


def mode(info: Info) -> Finding:
    """Whether the server is a single one. Celery has no transport for a cluster."""
    if info.get("redis_mode") == "cluster":
        return error("redis mode", "the server is part of a cluster, which Celery cannot use", "use a single Redis")
    if info.get("role") == "slave":
        return error("redis mode", "the server is a replica and takes no writes", "name the primary in the URL")
    return ok("redis mode", "a single server")


def eviction(info: Info) -> Finding:
    """Whether Redis keeps all keys when its memory is full."""
    policy = info["maxmemory_policy"]
    if policy == "noeviction":
        return ok("redis eviction", "noeviction: a full Redis refuses messages, and loses none")
    says = f"the policy is {policy}: a full Redis deletes whole queues and orders"
    return error("redis eviction", says, "set maxmemory-policy to noeviction")


def persistence(info: Info) -> Finding:
    """Whether orders of the Redis door survive a restart, and whether Redis can write its files."""
    name = "redis persistence"
    if "err" in {info.get("aof_last_write_status"), info.get("rdb_last_bgsave_status")}:
        return error(name, "the last write to its disk failed: Redis refuses messages", "make room on its disk")
    if info.get("aof_enabled"):
        return ok(name, "appendonly: orders of the Redis door survive a restart")
    says = "there is no append-only file: a restart loses orders that the Redis door has not taken"
    return warning(name, says, "set appendonly yes; without the Redis door nothing is lost")


def memory(info: Info) -> Finding:
    """Whether Redis has a limit of its memory, and room."""
    most, used = int(info["maxmemory"]), int(info["used_memory"])
    if not most:
        says = "there is no limit: a flood of messages takes the memory of the whole machine"
        return warning("redis memory", says, "set maxmemory (512 MiB in compose.yaml)")
    says = f"{used / 1024**2:.0f} of {most / 1024**2:.0f} MiB are in use"
    if used > most * _LOW:
        make = error if used > most * _FULL else warning
        return make("redis memory", says, "docs/runbook.md: Redis is full")
    return ok("redis memory", says)
