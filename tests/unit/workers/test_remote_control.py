import pytest
from celery.worker.control import Panel

from workers.remote_control import READS, limit_remote_control


@pytest.fixture(autouse=True)
def panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of Celery's commands, for one test."""
    monkeypatch.setattr(Panel, "data", dict(Panel.data))


def test_a_worker_takes_no_command_that_changes_it() -> None:
    limit_remote_control("read")
    changing = [name for name in Panel.data if Panel.meta[name].type == "control"]
    assert set(changing) <= {"enable_events", "disable_events", "heartbeat"}
    assert "shutdown" not in Panel.data
    assert "conf" not in Panel.data


def test_every_kept_command_is_celerys() -> None:
    assert set(Panel.data) >= READS


def test_an_operator_may_keep_all_commands() -> None:
    before = set(Panel.data)
    limit_remote_control("all")
    assert set(Panel.data) == before
