"""The program for Node that follows the stream in Redis. The one in Python is run by tests/integration/notify."""

from pathlib import Path

import pytest
from redis import Redis

from schemas.settings import Settings
from storage.database import Database
from tests.e2e.clients.test_node import CLIENTS, NODE
from tests.integration.notify.consumers import Program, check_program
from tests.support import new_customer

pytestmark = [pytest.mark.npm, pytest.mark.timeout(1200)]


def test_example_for_node(database: Database, stream_settings: Settings, stream_redis: Redis, tmp_path: Path) -> None:
    check_program(
        Program([NODE, CLIENTS / "examples" / "follow-events.mjs"], stream_settings, tmp_path),
        database,
        stream_redis,
        new_customer(database, 100),
    )
