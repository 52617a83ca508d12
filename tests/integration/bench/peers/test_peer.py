"""Starting and removing a peer, with a peer of one process that needs no installation."""

import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis

from bench.peers import ledger, peer
from bench.peers.peer import Part, Peer
from bench.peers.setup import Setup
from bench.peers.work import Store
from bench.subjects.protocols import Infrastructure
from stack.errors import PartFailed, StackError

# Leaves the traces of a peer, a file in the bucket and a key in Redis, and prints its configuration.
_WORKER = """
import io, pathlib, redis, sys, time
from bench.peers.setup import Setup
from bench.peers.work import Store
setup = Setup.of_environment()
content = io.BytesIO()
content.write(b"picture")
Store(setup.s3).put("order-1", content, "00")
redis.Redis.from_url(setup.redis_url).set("left", "behind")
pathlib.Path(sys.argv[1]).write_text(setup.model_dump_json())
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the worker writes its configuration. Peers run with this interpreter."""
    monkeypatch.setattr(peer, "INTERPRETER", Path(sys.executable))
    return tmp_path / "told.json"


def tiny(*arguments: str) -> Peer:
    return Peer("tiny", ("callback", "poll"), lambda _setup, _processes: [Part("worker", arguments)])


def test_peer_gets_its_own_infrastructure_which_is_deleted_afterwards(
    infrastructure: Infrastructure, told: Path
) -> None:
    with tiny("-c", _WORKER, str(told)).running(infrastructure, mode="callback", processes=1) as running:
        setup = Setup.model_validate_json(told.read_text())
        assert setup.mode == "callback"
        assert running.door.url == f"{setup.door_url}/orders"
        assert list(running.processes) == ["worker"]
        with psycopg.connect(setup.database_url) as books:
            _, key = running.door.headers["Authorization"].split()
            assert books.execute(ledger.AUTHENTICATE, {"key_hash": ledger.key_hash(key)}).fetchone()
        assert (running.finished(), running.problems()) == (0, [])
        with redis.Redis.from_url(setup.redis_url) as client:
            assert client.get("left") == b"behind"

    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(setup.database_url)
    with redis.Redis.from_url(setup.redis_url) as client:
        assert client.dbsize() == 0
    with closing(Store(setup.s3)) as store:
        assert store.sizes() == {}


def test_worker_that_dies_is_reported_with_its_last_lines(infrastructure: Infrastructure, told: Path) -> None:
    running = tiny("-c", "raise SystemExit('no such queue')").running(infrastructure, mode="poll", processes=1)
    with pytest.raises(PartFailed, match="no such queue"), running:
        pass


def test_peer_that_cannot_prepare_its_database_says_why(infrastructure: Infrastructure, told: Path) -> None:
    broken = Peer("tiny", ("poll",), lambda _setup, _processes: [], migrate=("-c", "raise SystemExit('no schema')"))
    with pytest.raises(StackError, match="no schema"), broken.running(infrastructure, mode="poll", processes=1):
        pass


def test_missing_peer_says_how_to_install_it(infrastructure: Infrastructure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "INTERPRETER", Path("/nowhere/python"))
    with (
        pytest.raises(StackError, match=r"make \.venv-peers/installed"),
        tiny().running(infrastructure, mode="poll", processes=1),
    ):
        pass


def test_unknown_mode_is_refused(infrastructure: Infrastructure, told: Path) -> None:
    with pytest.raises(ValueError, match="no mode 'push'"), tiny().running(infrastructure, mode="push", processes=1):
        pass
