import subprocess
import sys
from pathlib import Path

from schemas.settings import Settings

ROOT = Path(__file__).parents[3]

_SCRIPT = """
import sys
import api_gateway
from schemas.settings import Settings
from storage.database import Database
from storage.generations import Wake
from schemas.enums import Stage
from uuid import uuid4
from workers.app import create_app
from workers.dispatch import Dispatcher

settings = Settings(_env_file=None, redis_url={redis_url!r}, database_url={database_url!r})
api_gateway.create_app(settings)
dispatcher = Dispatcher(create_app(settings), settings.pipeline, Database(settings.database_url))
assert dispatcher.wake(Wake(uuid4(), Stage.QUEUED, 0))
ours = {{"tasks", "stack", "sandbox"}}
print(sorted(name for name in sys.modules if name.partition(".")[0] in ours or name.startswith("intake.redis")))
"""


def test_the_gateway_sends_wake_ups_without_loading_a_task(settings: Settings) -> None:
    script = _SCRIPT.format(redis_url=settings.redis_url, database_url=settings.database_url)

    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.stdout, run.stderr, run.returncode) == ("[]\n", "", 0)
