"""Names and URLs that the door and the workers share."""

from typing import Final

from bench.peers.setup import Setup

APPLICATION: Final = "generations"
QUEUE: Final = "generations"
WORKFLOW: Final = "generate"
CALLBACK: Final = "callback"
"""The topic of the message that a callback becomes."""

POOL_SIZE: Final = 20


def sqlalchemy_url(setup: Setup) -> str:
    """The peer's database, which holds DBOS' own tables, too: so both can be written in one transaction."""
    return setup.database_url.replace("postgresql://", "postgresql+psycopg://")
