"""The logging of every process: constant event names with fields, as JSON or as aligned text."""

import logging
import re
import sys

import structlog
from structlog.types import EventDict, Processor

from schemas.console_logs import console_renderer, shortened
from schemas.settings import Settings
from schemas.trace_context import with_trace_id

# At INFO these libraries repeat our own lines, and some print complete URLs.
_CHATTY = ("celery", "kombu", "httpx", "httpcore", "urllib3", "uvicorn.access", "alembic", "amqp")

# uvicorn's lines at each start and end, apart from the line with its address.
_ROUTINE = frozenset(
    {
        "Started server process [%d]",
        "Waiting for application startup.",
        "Application startup complete.",
        "Shutting down",
        "Waiting for application shutdown.",
        "Application shutdown complete.",
        "Finished server process [%d]",
    }
)

# PostgreSQL quotes the values of a row that violates a constraint, and a row contains a prompt.
_ROW_VALUES = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def configure_logging(settings: Settings) -> None:
    """Send the logs of this process and of its libraries to standard error."""
    shared = _first_processors(settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last_processors(settings))
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    _quiet_libraries()


def _first_processors(settings: Settings) -> list[Processor]:
    """The processors of every line, ours or a library's."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        with_trace_id,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    if settings.log_format == "json":
        shared.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    elif settings.log_timestamps:
        shared.append(structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True))
    return shared


def _last_processors(settings: Settings) -> list[Processor]:
    """The processors that make the text of a line."""
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    safe_traceback: list[Processor] = [structlog.processors.format_exc_info, without_row_values]
    if settings.log_format == "json":
        return [without_meta, *safe_traceback, structlog.processors.JSONRenderer()]
    return [shortened, without_meta, *safe_traceback, console_renderer(colors=sys.stderr.isatty())]


def _quiet_libraries() -> None:
    """Drop the lines of libraries that repeat ours or that report no failure."""
    # Flower queries nodes that have not started yet and logs each missing answer as a failure.
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)
    # A crashed task has logged its error, without the contents of its arguments.
    logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return record.msg not in _ROUTINE


def without_row_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Remove the values of database rows from a formatted traceback."""
    if isinstance(event.get("exception"), str):
        event["exception"] = _ROW_VALUES.sub("DETAIL: (hidden)", event["exception"])
    return event
