"""The program in Python that follows the stream in Redis."""

import sys
from pathlib import Path

from redis import Redis

from schemas.settings import Settings
from storage.database import Database
from tests.integration.notify.consumers import Program, check_program
from tests.support import NewCustomer

EXAMPLE = Path("clients/examples/follow_events.py").resolve()


def test_example_in_python(
    database: Database, stream_settings: Settings, stream_redis: Redis, customer: NewCustomer, tmp_path: Path
) -> None:
    check_program(Program([sys.executable, EXAMPLE], stream_settings, tmp_path), database, stream_redis, customer)
