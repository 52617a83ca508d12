"""Names and URLs that the door and the workers share."""

from typing import Final

from bench.peers.setup import Setup

APPLICATION: Final = "generations"
QUEUE: Final = "generations"
WORKFLOW: Final = "generate"
CALLBACK: Final = "callback"
"""The topic of a callback's message."""

POOL_SIZE: Final = 20


def sqlalchemy_url(setup: Setup) -> str:
    """The URL of the peer's database. It also holds DBOS' tables, so that one transaction can write both."""
    return setup.database_url.replace("postgresql://", "postgresql+psycopg://")
