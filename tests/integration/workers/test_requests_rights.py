"""The process of the Redis door has its rights in `compose.yaml`: Redis refuses none of its commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from intake.redis import keys
from intake.redis.dead import DeadLetters
from schemas.settings import Settings
from stack.wiring import settings_environment
from storage.database import Database
from tests.compose_redis import compose_redis
from tests.support import eventually, new_customer

pytestmark = pytest.mark.slow


def test_redis_refuses_no_command_of_the_door(database: Database, settings: Settings, tmp_path: Path) -> None:
    arguments = {
        "customer_id": str(new_customer(database, 1000).id),
        "request": {"model": "nano-banana", "prompt": "a lighthouse in fog"},
    }
    with compose_redis(tmp_path) as server, Redis.from_url(server.operator_url) as operator:
        operator.lpush("requests", "no JSON")
        # A taker that died with a message.
        operator.lpush(f"{keys.TAKEN}dead", "no JSON either")
        operator.hset(keys.TAKERS, "dead", "1")
        for kind in ("list", "stream"):
            plain = {"operation": "generation.enqueue", "id": str(uuid4()), "arguments": arguments}
            operator.lpush("requests", json.dumps({**plain, "reply_to": {kind: f"reelworks:answers:{kind}"}}))
        own = settings.model_copy(update={"redis_url": server.url("worker-requests")})
        command = [sys.executable, "-P", "-m", "workers", "--role", "requests"]
        with subprocess.Popen(command, env={**os.environ, **settings_environment(own)}) as door:
            try:
                with Celery(broker=server.operator_url, backend=server.operator_url, set_as_current=False) as client:
                    for sending in ({"queue": "requests"}, {"queue": "requests", "priority": 5}, {}, {"expires": 60}):
                        sent = client.send_task("generation.enqueue", kwargs=arguments, **sending)
                        assert sent.get(timeout=300)["status"] == "queued"
                eventually(lambda: operator.llen(keys.DEAD), lambda length: length == 2)
                eventually(
                    lambda: (operator.llen("reelworks:answers:list"), operator.xlen("reelworks:answers:stream")),
                    lambda lengths: lengths == (1, 1),
                )
            finally:
                door.terminate()
        assert door.returncode == 0
        with Redis.from_url(own.redis_url) as as_door:
            letters = DeadLetters(as_door)
            assert (letters.count(), letters.put_back(), letters.drop()) == (2, 2, 0)
        assert server.refused() == []
