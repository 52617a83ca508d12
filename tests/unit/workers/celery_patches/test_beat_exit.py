import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.apps.beat import Beat
from celery.beat import Scheduler, Service

from tests.upstream import mended
from workers.celery_patches import beat_exit

SIGNALS = (signal.SIGTERM, signal.SIGINT)

# The `except` stands for redis-py, which survives SystemExit inside a publish.
PATCHED = """
import os, signal
from celery import Celery
from workers.celery_patches.beat_exit import StatelessBeat
beat = StatelessBeat(app=Celery(), quiet=True)
beat.install_sync_handler(None)
try:
    os.kill(os.getpid(), signal.SIGTERM)
except BaseException:
    print("an exception")
print("survived")
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """Restore the signal handlers after the test."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
def test_celery_ends_beat_by_an_exception_where_the_signal_lands(app: Celery, number: signal.Signals) -> None:
    beat: Any = Beat(app=app, quiet=True)
    beat.install_sync_handler(Service(app, scheduler_cls=Scheduler))
    handler: Any = signal.getsignal(number)
    try:
        handler(number, None)
    except SystemExit:
        return
    pytest.fail(mended(beat_exit))


def test_patched_beat_ends_without_an_exception() -> None:
    ended = subprocess.run([sys.executable, "-c", PATCHED], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
