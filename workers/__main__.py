"""One Celery worker process: `python -m workers --role provider`. `reelworks worker` starts and restarts it."""

import argparse
import warnings

from celery.exceptions import SecurityWarning
from celery.signals import setup_logging

from schemas.logs import configure_logging
from schemas.settings import get_settings
from tasks.services import use_services
from workers.app import create_app
from workers.lifecycle import open_services
from workers.roles import ROLES, Role


def main() -> None:
    """Serve a role's queues until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--role", type=Role, choices=list(Role), default=Role.ALL)
    parser.add_argument("--threads", type=int, help="default: the role's own")
    parser.add_argument("--name", help="the node's name, as Flower shows it; default: the role")
    options = parser.parse_args()
    settings = get_settings()
    configure_logging(settings)
    # Connected, this signal keeps Celery from configuring logging its own way.
    setup_logging.connect(lambda **_: None, weak=False)
    # Celery warns a root user of pickled messages; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    definition = ROLES[options.role]
    threads = options.threads or definition.threads
    app = create_app(settings, process="worker")
    with open_services(app, settings) as services:
        use_services(services)
        app.worker_main(
            [
                "--quiet",
                "worker",
                "--pool=threads",
                f"--concurrency={threads}",
                f"--queues={','.join(definition.queues)}",
                f"--hostname={options.name or options.role}@%h",
                "--without-gossip",
                "--without-mingle",
                "--task-events",
                "--loglevel=WARNING",
            ]
        )


if __name__ == "__main__":
    main()
