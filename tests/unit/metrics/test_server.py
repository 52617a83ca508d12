"""The port of a process: who reads what, and how the processes of a machine are found."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from metrics.server import serving
from metrics.targets import Target
from schemas.metrics_settings import MetricsSettings


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def get(address: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"http://{address}{path}", headers=headers, timeout=100, trust_env=False)


def test_metrics_and_targets_are_all_there_is(tmp_path: Path) -> None:
    settings = MetricsSettings(port=0, targets_folder=tmp_path / "targets")
    with serving(settings, tmp_path, process="provider2", role="provider") as target:
        assert target is not None
        assert "process_resident_memory_bytes" in get(target.address, "/metrics").text
        listed = [{"targets": [target.address], "labels": {"process": "provider2", "role": "provider"}}]
        assert get(target.address, "/targets").json() == listed
        (file,) = (tmp_path / "targets").iterdir()
        assert json.loads(file.read_text()) == listed
        assert get(target.address, "/").status_code == 404
    assert list((tmp_path / "targets").iterdir()) == []
    with pytest.raises(httpx.ConnectError):
        get(target.address, "/metrics")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "192.168.0.7", ""])
def test_a_page_of_a_stranger_in_a_browser_reads_nothing(tmp_path: Path, host: str) -> None:
    with serving(MetricsSettings(port=0), tmp_path, process="gateway", role="gateway") as target:
        assert target is not None
        assert get(target.address, "/metrics", Host=host).status_code == 403
        assert get(target.address, "/metrics", Host="localhost").status_code == 200


def test_no_process_is_left_out_where_its_port_is_taken(tmp_path: Path, free_port: int) -> None:
    settings = MetricsSettings(port=free_port)
    with ExitStack() as ends:
        targets = [
            ends.enter_context(serving(settings, tmp_path, process=str(number), role="media")) for number in range(3)
        ]
        addresses = {target.address for target in targets if target is not None}
        assert len(addresses) == 3
        assert f"127.0.0.1:{free_port}" not in addresses


def test_metrics_can_be_switched_off(tmp_path: Path) -> None:
    with serving(MetricsSettings(enabled=False), tmp_path, process="gateway", role="gateway") as target:
        assert target is None


def test_a_killed_process_is_listed_no_longer(tmp_path: Path) -> None:
    folder = tmp_path / "targets"
    settings = MetricsSettings(port=0, targets_folder=folder)
    with serving(settings, tmp_path, process="first", role="media") as first:
        assert first is not None
        killed = folder / f"{first.machine}-{2**22 + 1}.json"
        killed.write_text(json.dumps([first.document()]))
        (folder / "notes.json").write_text("not ours")
        (folder / "another-host-7.json").write_text(json.dumps([first.document()]))

        assert [(target.machine, target.pid) for target in Target.all_in(folder)] == [
            ("another-host", 7),
            (first.machine, first.pid),
        ]
    with serving(settings, tmp_path, process="second", role="media"):
        assert not killed.exists()


def test_without_a_data_folder_nothing_is_written(tmp_path: Path) -> None:
    with serving(MetricsSettings(port=0), tmp_path / "absent", process="gateway", role="gateway") as target:
        assert target is not None
        assert get(target.address, "/targets").json() == [target.document()]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_stops_no_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = MetricsSettings(port=0, targets_folder=tmp_path / "file")
    with serving(settings, tmp_path, process="gateway", role="gateway") as target:
        assert target is not None
        assert get(target.address, "/metrics").status_code == 200
