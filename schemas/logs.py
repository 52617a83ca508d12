"""The logging of every process: constant event names with fields, as JSON or as aligned text, and without secrets.

Warnings of Python and errors that nothing catches become lines, too: no process writes anything else.
"""

import logging
import sys
import threading
from types import TracebackType

import structlog
from structlog.types import Processor

from schemas.console_logs import console_renderer, shortened
from schemas.known_secrets import secrets_of
from schemas.log_redaction import Redaction
from schemas.settings import Settings
from schemas.trace_context import with_trace_id
from schemas.tracebacks import traceback_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

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


def writes_lines() -> bool:
    """Whether `configure_logging` made all output of this process log lines."""
    handlers = logging.getLogger().handlers
    return any(isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter) for handler in handlers)


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
    logging.captureWarnings(capture=True)
    _log_what_nothing_catches()
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
    """The processors that make the text of a line. Tracebacks hold secrets, too, so they are written first."""
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    safe: list[Processor] = [
        structlog.processors.ExceptionRenderer(traceback_of),
        Redaction(secrets_of(settings)),
    ]
    if settings.log_format == "json":
        return [*safe, without_meta, structlog.processors.JSONRenderer()]
    return [*safe, shortened, without_meta, console_renderer(colors=sys.stderr.isatty())]


def _log_what_nothing_catches() -> None:
    """Log errors that end the process or a thread. Python would write them as they are, over many lines."""

    def log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("process_crashed", exc_info=(kind, error, trace))

    def log_thread(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None:
            name = crash.thread.name if crash.thread else None
            log.critical("thread_crashed", thread=name, exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback))

    def log_ignored(ignored: "sys.UnraisableHookArgs") -> None:
        if ignored.exc_value is not None:
            log.error("error_ignored", exc_info=(ignored.exc_type, ignored.exc_value, ignored.exc_traceback))

    sys.excepthook = log_end
    threading.excepthook = log_thread
    sys.unraisablehook = log_ignored


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
