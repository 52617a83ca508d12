"""Beat: sends the wake-up of every second."""

from schemas.settings import Settings
from workers.app import create_app
from workers.celery_logging import keep_our_logging
from workers.celery_patches.beat_exit import StatelessBeat


def run_beat(settings: Settings) -> None:
    """Send messages until a signal ends the process."""
    keep_our_logging()
    app = create_app(settings, process="worker")
    StatelessBeat(app=app, quiet=True, loglevel="WARNING", pidfile=None).run()
