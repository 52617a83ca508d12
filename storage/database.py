"""The connection to PostgreSQL: one engine a process, one short transaction a step."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, text
from sqlmodel import Session

# A step's transaction takes milliseconds. A lock or a statement that takes longer than this is trouble somewhere else,
# and failing lets the lease and `wake_at` bring the step back.
_SERVER_OPTIONS = (
    "-c timezone=utc -c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)

# A server that hangs or whose host is gone answers no timeout of its own.
_CLIENT_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Database:
    """A pool of connections; safe to share between threads."""

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self._engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            # After a restart of PostgreSQL every pooled connection is dead: ask before use.
            pool_pre_ping=True,
            # An error's text ends up in logs, and parameters hold prompts.
            hide_parameters=True,
            connect_args={**_CLIENT_OPTIONS, "options": _SERVER_OPTIONS},
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or rolled back if it raises."""
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def ping(self) -> None:
        """Raise if the database does not answer."""
        with self._engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
