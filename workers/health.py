"""Health checks of the processes that serve no HTTP. Each check runs in the container of its process.

`python -m workers.health worker ROLE` listens for the worker's heartbeat. `python -m workers.health beat` asks Redis
for the traffic of beat. Both exit with 1 and a reason if the process is not healthy. A platform that restarts unhealthy
processes gives `--redis-may-be-away`: a restart brings no Redis back.
"""

import argparse
import sys
from socket import gethostname
from typing import Final

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from schemas.settings import Settings, get_settings
from workers.app import create_app
from workers.heartbeats import hear
from workers.roles import Role

LONGEST_SECONDS: Final = 15
"""The longest time of a check without the start of its interpreter: a platform waits longer."""

_REDIS_SECONDS = 3.0
# A worker sends a heartbeat every two seconds.
_HEARTBEAT_SECONDS = 5.0

# Beat sends every second.
_SILENT_SECONDS = 10


def worker_trouble(settings: Settings, role: str) -> str | None:
    """The reason why the worker of a role on this host is not healthy. None if its event loop runs."""
    node = f"{role}@{gethostname()}"
    with create_app(settings, process="worker") as app:
        app.conf.broker_transport_options |= {
            "socket_connect_timeout": _REDIS_SECONDS,
            "socket_timeout": _REDIS_SECONDS,
            "max_retries": 0,
        }
        heard = hear(app, seconds=_HEARTBEAT_SECONDS, is_enough=lambda heard: node in heard)
    return None if node in heard else f"{node} sent no heartbeat within {_HEARTBEAT_SECONDS:.0f} s"


def beat_trouble(settings: Settings) -> str | None:
    """The reason why the beat at this address is not healthy. None if this address has recently pushed to a queue."""
    with Redis.from_url(
        settings.redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    ) as redis:
        address = _host(redis.client_info()["addr"])
        pushes = [
            int(client["idle"])
            for client in redis.client_list()
            if _host(client["addr"]) == address and client["cmd"] == "lpush"
        ]
    if any(idle <= _SILENT_SECONDS for idle in pushes):
        return None
    return f"beat has sent nothing for {_SILENT_SECONDS} s"


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def command_line() -> argparse.ArgumentParser:
    """The arguments of a check."""
    parser = argparse.ArgumentParser(prog="python -m workers.health", description=__doc__)
    checks = parser.add_subparsers(dest="check", required=True)
    worker, beat = checks.add_parser("worker"), checks.add_parser("beat")
    worker.add_argument("role", type=Role, choices=list(Role))
    for check in (worker, beat):
        check.add_argument("--redis-may-be-away", action="store_true", help="exit with 0 if Redis does not answer")
    return parser


def main() -> None:
    """Run the check of the command line."""
    options = command_line().parse_args()
    settings = get_settings()
    try:
        trouble = worker_trouble(settings, options.role) if options.check == "worker" else beat_trouble(settings)
    except (OperationalError, RedisError) as error:
        trouble = None if options.redis_may_be_away else f"Redis did not answer: {type(error).__name__}"
    if trouble:
        sys.exit(trouble)


if __name__ == "__main__":
    main()
