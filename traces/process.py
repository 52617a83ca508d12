"""Switches the spans of a process on, for as long as the process works."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from schemas.settings import Settings
from schemas.variables import of_opentelemetry
from traces import spans

log = structlog.get_logger()


@contextmanager
def tracing(settings: Settings, *, process: str, role: str) -> Iterator[None]:
    """Record the spans of this process during the block, if the settings say so.

    Args:
        process: the name of the process, such as `provider2`.
        role: the role of the process: a worker's role, or `gateway`.
    """
    if not settings.traces.enabled:
        yield
        return
    for name, value in of_opentelemetry().items():
        # OpenTelemetry reads the environment only, and our settings have a file.
        os.environ.setdefault(name, value)
    from traces import recorder  # a process without traces loads nothing of OpenTelemetry

    made = recorder.exporting(process, role)
    spans.use(made)
    log.info("traces_on")
    try:
        yield
    finally:
        spans.use(None)
        made.end()
