"""Reads all that the run has written."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import httpx
import psutil
from redis import Redis

from metrics.targets import Target
from schemas import callback_token
from stack.stack import Stack
from tests.e2e.conftest import command_line
from tests.e2e.planted.garden import Output, Planted, Sort
from tests.e2e.planted.run import Run
from tests.support import operator_key

# One process: each start of the command takes a second.
_COMMANDS = """
import json, sys
import typer
from cli.main import app
for arguments in json.loads(sys.argv[1]):
    print("$", *arguments, flush=True)
    try:
        typer.main.get_command(app)(arguments)
    except SystemExit:
        pass
    except Exception as error:
        print(error, flush=True)
"""


@contextmanager
def listening(redis_url: str) -> Iterator[list[str]]:
    """All that is published in Redis during the block."""
    heard: list[str] = []
    over = threading.Event()

    def listen() -> None:
        with Redis.from_url(redis_url) as client, client.pubsub() as channels:
            channels.psubscribe("*")
            while not over.is_set():
                message = channels.get_message(timeout=0.2)
                if message and isinstance(message["data"], bytes):
                    heard.append(_decoded(message["data"]))

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        thread.join()


def _decoded(message: bytes | str) -> str:
    """A message, also with the body that Celery packs in base64."""
    text = message if isinstance(message, str) else message.decode(errors="replace")
    with suppress(ValueError, KeyError, TypeError):
        body = json.loads(text)["body"]
        return text + base64.b64decode(body).decode(errors="replace")
    return text


def collect(run: Run, services: Stack) -> None:
    """Read everything that the system has written."""
    garden, stack = run.garden, run.system.stack
    secret = stack.settings.secret_key.get_secret_value()
    for generation_id in run.orders:
        token = callback_token.sign(secret, UUID(generation_id))
        garden.plant(Planted("the token of a callback URL", token, Sort.TOKEN))
    for log in (stack.folder / "logs").glob("*.log"):
        if log.stem != "sandbox":  # the vendor
            garden.wrote(Output.LOGS, log.stem, log.read_text())
    for name, part in services.parts.items():
        garden.wrote(Output.DATABASE_LOG, name, part.log.read_text())
    for target in Target.all_in(run.folder / "targets"):
        text = httpx.get(f"http://{target.address}/metrics", trust_env=False).raise_for_status().text
        garden.wrote(Output.METRICS, target.process, text)
    for name, part in stack.parts.items():
        process = psutil.Process(part.pid)
        lines = [process.cmdline(), *(command_line(child) for child in process.children(recursive=True))]
        garden.wrote(Output.COMMAND_LINES, name, json.dumps(lines))
    _collect_flower(run)
    _collect_redis(run)
    _collect_documents(run)
    _collect_commands(run)


def _collect_flower(run: Run) -> None:
    with httpx.Client(
        base_url=run.system.stack.flower_url, auth=run.flower_login, timeout=30, trust_env=False
    ) as flower:
        tasks = flower.get("/api/tasks", params={"limit": 10_000}).raise_for_status().json()
        workers = flower.get("/api/workers", params={"refresh": True}).text
        names = list(json.loads(workers)) if workers.startswith("{") else []
        # The list has the arguments and results of all tasks.
        some = list(tasks)[:: len(tasks) // 20 or 1]
        pages = ["/", "/workers", "/workers?json=1", "/tasks", "/broker", "/metrics", "/api/queues/length"]
        pages += [f"/worker/{name}" for name in names] + [f"/task/{task}" for task in some]
        pages += [f"/api/task/info/{task}" for task in some]
        run.garden.wrote(Output.FLOWER, "/api/tasks", json.dumps(tasks))
        run.garden.wrote(Output.FLOWER, "/api/workers", workers)
        for page in pages:
            run.garden.wrote(Output.FLOWER, page, flower.get(page).text)
    assert len(tasks) > 20
    files = list(run.folder.glob("flower-state*"))
    for file in files:
        run.garden.wrote(Output.FLOWER_STATE, file.name, file.read_bytes().decode("latin-1"))


def _collect_redis(run: Run) -> None:
    with Redis.from_url(run.system.stack.settings.redis_url) as redis:
        for key in redis.scan_iter():
            name = key.decode()
            content = _content(redis, key)
            places = {"reelworks:events": Output.STREAM, "reelworks:door:dead": Output.DEAD}
            run.garden.wrote(places.get(name, Output.REDIS), name, content)


def _content(redis: Redis, key: bytes) -> str:
    match redis.type(key):
        case b"string":
            return _decoded(redis.get(key) or b"")
        case b"list":
            return "\n".join(_decoded(each) for each in redis.lrange(key, 0, -1))
        case b"hash":
            return repr(redis.hgetall(key))
        case b"set":
            return repr(redis.smembers(key))
        case b"zset":
            return repr(redis.zrange(key, 0, -1))
        case b"stream":
            return repr(redis.xrange(key))
        case b"none":
            # The key has expired, or a process has deleted the key.
            return ""
        case kind:
            raise AssertionError(f"{key!r} is a {kind!r}")


def _collect_documents(run: Run) -> None:
    operator = {"X-API-Key": operator_key(run.system.database)}
    for generation_id in run.orders:
        for path, headers in (("/v1", run.customer.headers), ("/v1/admin", operator)):
            answer = run.system.http.get(f"{path}/generations/{generation_id}/timeline", headers=headers)
            run.garden.wrote(Output.TIMELINES, f"{path} {generation_id}", answer.raise_for_status().text)
    for message in run.receiver.messages:
        text = message.body.decode() + repr(
            {name: value for name, value in message.headers.items() if "sign" not in name}
        )
        run.garden.wrote(Output.WEBHOOKS, message.id, text)


def _collect_commands(run: Run) -> None:
    told = [one for one in run.orders if one in (run.orders[2], run.orders[-1])]
    commands = [
        *(("inspect", generation_id, *form) for generation_id in told for form in ((), ("--json",))),
        *((name,) for name in ("status", "limits", "routes", "doctor", "audit")),
        *((name, "list") for name in ("generations", "keys", "webhooks")),
        ("webhooks", "deliveries", "--state", "failed"), ("providers", "check"), ("inspect", "nothing-like-this"),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-c", _COMMANDS, json.dumps(commands)],
        env=run.environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.count("$ ") == len(commands), done.stderr
    run.garden.wrote(Output.COMMANDS, "reelworks", done.stdout + done.stderr)
