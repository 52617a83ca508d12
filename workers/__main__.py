"""A worker process: `python -m workers --role provider`. `reelworks worker` starts and restarts the process."""

import argparse
import os
import signal
import threading
import time
import warnings
from collections.abc import Sequence

from celery.exceptions import SecurityWarning

from metrics.server import serving
from schemas.enums import Queue
from schemas.logs import configure_logging
from schemas.settings import Settings, get_settings
from tasks.services import use_services
from traces.process import tracing
from workers import known_labels, notify_process, requests_process
from workers.app import create_app
from workers.celery_logging import keep_our_logging
from workers.consuming import Consuming
from workers.draining import Draining, following
from workers.lifecycle import open_services
from workers.remote_control import limit_remote_control
from workers.roles import ROLES, Role, variants_problem
from workers.supervisor import KILL_AFTER_SECONDS

_PARENT_CHECK_SECONDS = 1.0


def main() -> None:
    """Do the work of a role until a signal ends the process."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--role", type=Role, choices=list(Role), required=True)
    parser.add_argument("--threads", type=int, help="default: the role's own")
    parser.add_argument("--parent", type=int, help="end when this process, the supervisor, is gone")
    parser.add_argument("--name", help="the node's name, as Flower shows it; default: the role")
    options = parser.parse_args()
    settings = get_settings()
    threads = options.threads or ROLES[options.role].threads
    if Queue.VARIANTS in ROLES[options.role].queues and (
        problem := variants_problem(settings.variants.at_once, threads)
    ):
        parser.error(problem)
    configure_logging(settings)
    keep_our_logging()
    limit_remote_control(settings.remote_control)
    # Celery warns root of pickled messages. The application accepts only JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    if options.parent is not None:
        threading.Thread(target=_end_with, args=(options.parent, settings), name="parent-watch", daemon=True).start()
    name = options.name or options.role
    known_labels.learn(settings)
    with (
        serving(settings.metrics, settings.data_folder, process=name, role=options.role),
        tracing(settings, process=name, role=options.role),
    ):
        _run(settings, options.role, name, threads=threads)


def _run(settings: Settings, role: Role, name: str, *, threads: int) -> None:
    match role:
        case Role.NOTIFY:
            notify_process.run(settings, name)
        case Role.REQUESTS:
            requests_process.run(settings, name, threads=threads)
        case _:
            _run_celery(settings, ROLES[role].queues, threads=threads, name=name)


def _run_celery(settings: Settings, queues: Sequence[Queue], *, threads: int, name: str) -> None:
    app = create_app(settings, process="worker")
    worker_name = f"{name}#{os.getpid()}"
    with open_services(app, settings, worker_name=worker_name, queues=queues, threads=threads) as services:
        use_services(services)
        draining = Draining(
            settings, services.database, name, services.taking,
            in_hand=lambda: services.leases.count + services.variant_leases.count,
            follow=Consuming(queues).follow,
        )  # fmt: skip
        with following(draining):
            app.worker_main(_arguments(queues, threads=threads, name=name))


def _arguments(queues: Sequence[Queue], *, threads: int, name: str) -> list[str]:
    return [
        "--quiet",
        "worker",
        f"--concurrency={threads}",
        f"--queues={','.join(queues)}",
        f"--hostname={name}@%h",
        "--without-gossip",
        "--without-mingle",
        "--task-events",
        "--loglevel=WARNING",
    ]


def _end_with(parent: int, settings: Settings) -> None:
    """End with the supervisor: a killed supervisor sends no signal. Drain first, then exit hard."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(settings.worker_drain_seconds + KILL_AFTER_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
