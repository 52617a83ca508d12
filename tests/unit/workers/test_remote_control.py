import pytest
from celery.worker.control import Panel

from workers.remote_control import READS, Commands, limit_remote_control


@pytest.fixture(autouse=True)
def panel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of Celery's commands, for one test."""
    monkeypatch.setattr(Panel, "data", dict(Panel.data))


@pytest.mark.parametrize("commands", ["off", "read"])
def test_a_worker_refuses_commands_that_change_it_and_says_why(commands: Commands) -> None:
    limit_remote_control(commands)
    changing = {name for name, command in Panel.meta.items() if command.type == "control"}
    for name in changing - {"enable_events", "disable_events", "heartbeat"} | {"conf"}:
        assert "REELWORKS_REMOTE_CONTROL" in Panel.data[name](None, anything=1)["error"]


def test_every_kept_command_is_celerys() -> None:
    before = dict(Panel.data)
    limit_remote_control("read")
    assert {name for name in before if Panel.data[name] is before[name]} == READS


def test_an_operator_may_keep_all_commands() -> None:
    before = dict(Panel.data)
    limit_remote_control("all")
    assert Panel.data == before
