"""The logging of every process: constant event names with fields, as JSON or as aligned text."""

import logging
import re
import sys

import structlog
from structlog.types import EventDict, Processor

from schemas.settings import Settings

# At INFO these libraries repeat our own lines, and some print complete URLs.
_CHATTY = ("celery", "kombu", "httpx", "httpcore", "urllib3", "uvicorn.access", "alembic", "amqp")

# PostgreSQL quotes the values of a row that violates a constraint, and a row contains a prompt.
_ROW_VALUES = re.compile(r"^DETAIL: .*$", re.MULTILINE)


def configure_logging(settings: Settings) -> None:
    """Send the logs of this process and of its libraries to standard error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
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
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                without_row_values,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # Flower queries nodes that have not started yet and logs each missing answer as a failure.
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)
    # A task that crashed has said so itself, without what its arguments hold.
    logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def without_row_values(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Remove the values of database rows from a formatted traceback."""
    if isinstance(event.get("exception"), str):
        event["exception"] = _ROW_VALUES.sub("DETAIL: (hidden)", event["exception"])
    return event
