"""Ends beat at once.

Celery's handler raises SystemExit where the signal lands. Inside a publish, redis-py turns SystemExit into an error
that beat logs and survives. This beat has nothing to save, so the process can end without cleanup.
"""

import os
import signal
from types import FrameType

from celery.apps.beat import Beat
from celery.beat import Service


class StatelessBeat(Beat):
    """A beat that ends at once."""

    def install_sync_handler(self, service: Service) -> None:  # noqa: ARG002 -- there is nothing to sync
        """End the process on SIGTERM and SIGINT."""

        def leave(_number: int, _frame: FrameType | None) -> None:
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
