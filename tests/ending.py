"""Ends the processes of a test run with the run."""

import os
import signal
from contextlib import suppress
from types import FrameType

import psutil


def end_children_at_sigterm() -> None:
    """Make SIGTERM end the children of this process first: the workers of xdist, and the processes that tests start.

    The services of `stack` end with their parent in any case. Other children would outlive a run that SIGTERM ends.
    Call this before each test: an event loop that handled the signal leaves the default behind.
    """
    signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    try:
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                child.terminate()
    finally:
        # The end itself is that of a process without a handler.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
