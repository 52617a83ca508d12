"""How every process logs: constant event names with fields, as JSON for machines or aligned text for people."""

import logging
import re
import sys

import structlog
from structlog.types import EventDict, Processor

from schemas.console_logs import console_renderer, shortened
from schemas.settings import Settings

# These say at INFO what our own lines say better, and some of them print whole URLs.
_CHATTY = ("celery", "kombu", "httpx", "httpcore", "urllib3", "uvicorn.access", "alembic", "amqp")

# What uvicorn tells of each start and end, besides the address that it serves.
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

# PostgreSQL quotes the values of the row that breaks a constraint, and a row holds a prompt.
_ROW_VALUES = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def configure_logging(settings: Settings) -> None:
    """Send this process's logs, and those of the libraries, to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    if settings.log_format == "json":
        shared.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    elif settings.log_timestamps:
        shared.append(structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True))
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
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if settings.log_format == "json":
        last += [structlog.processors.format_exc_info, without_row_values, structlog.processors.JSONRenderer()]
    else:
        last = [shortened, *last, structlog.processors.format_exc_info, without_row_values]
        last += [console_renderer(colors=sys.stderr.isatty())]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=last,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Flower asks nodes that have not started yet, and calls each silence a failure.
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)
    # A task that crashed has said so itself, without what its arguments hold.
    logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    return record.msg not in _ROUTINE


def without_row_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take the values of database rows out of a formatted traceback."""
    if isinstance(event.get("exception"), str):
        event["exception"] = _ROW_VALUES.sub("DETAIL: (hidden)", event["exception"])
    return event
