"""Health checks of the processes that serve no HTTP, run beside them in their container.

`python -m workers.health worker ROLE` asks that worker over Redis, and `python -m workers.health beat` asks Redis for
beat's traffic. Both end with 1, and say why, if the process is not well.
"""

import argparse
import sys
from socket import gethostname

from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from schemas.settings import Settings, get_settings
from workers.app import create_app
from workers.roles import Role

_REPLY_SECONDS = 5.0

# Beat sends every second.
_SILENT_SECONDS = 10


def worker_trouble(settings: Settings, role: str) -> str | None:
    """Why the worker of this host and role is not well: its consuming loop does not answer. None: it is."""
    node = f"{role}@{gethostname()}"
    with create_app(settings, process="worker") as app:
        replies = app.control.ping(destination=[node], timeout=_REPLY_SECONDS)
    return None if replies else f"{node} did not answer within {_REPLY_SECONDS:.0f} s"


def beat_trouble(settings: Settings) -> str | None:
    """Why the beat of this address is not well: nothing here has pushed to a queue of late. None: it is."""
    with Redis.from_url(settings.redis_url, socket_timeout=_REPLY_SECONDS) as redis:
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


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m workers.health", description=__doc__)
    checks = parser.add_subparsers(dest="check", required=True)
    checks.add_parser("worker").add_argument("role", type=Role, choices=list(Role))
    checks.add_parser("beat")
    options = parser.parse_args()
    settings = get_settings()
    try:
        trouble = worker_trouble(settings, options.role) if options.check == "worker" else beat_trouble(settings)
    except (OperationalError, RedisError) as error:
        trouble = f"Redis did not answer: {type(error).__name__}"
    if trouble:
        sys.exit(trouble)


if __name__ == "__main__":
    main()
