"""`reelworks doctor` as a command."""

import json
from threading import Event

import pytest

from cli.doctor import processes, running
from cli.doctor.findings import Finding, ok
from cli.doctor.running import Check
from schemas.settings import Settings
from tests.integration.command import Reelworks
from tests.support import clean_settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker runs here: nothing to listen for."""
    monkeypatch.setattr(processes, "_LISTEN_SECONDS", 0.2)


def test_doctor_tells_findings_with_remedies_and_fails_on_an_error(reelworks: Reelworks) -> None:
    ended = reelworks("doctor", REELWORKS_REDIS_URL="redis://:s3cret@127.0.0.1:2/0")
    assert ended.status == 1
    assert "Redis at 127.0.0.1:2 does not answer" in ended.out
    assert "→ start Redis, or correct REELWORKS_REDIS_URL" in ended.out
    assert "the schema is the newest" in ended.out
    assert "s3cret" not in ended.out + ended.err


def test_json_holds_the_findings_for_programs(reelworks: Reelworks) -> None:
    ended = reelworks("doctor", "--json")
    told = json.loads(ended.out)
    assert (ended.status, told["well"]) == (1, False)
    worker = next(finding for finding in told["findings"] if finding["check"] == "worker provider")
    assert worker == {
        "check": "worker provider",
        "level": "error",
        "says": "no worker sends heartbeats: work in submit, poll waits",
        "remedy": "start `reelworks worker --role provider`",
    }


def test_refused_and_unknown_settings_are_findings(reelworks: Reelworks) -> None:
    ended = reelworks("doctor", "--json", REELWORKS_GATEWAY_PORT="a lot")
    (finding,) = json.loads(ended.out)["findings"]
    assert (ended.status, finding["level"]) == (1, "error")
    assert finding["says"].startswith("REELWORKS_GATEWAY_PORT: ")


def test_check_that_hangs_or_breaks_says_why_and_delays_no_other() -> None:
    def hangs(_settings: Settings) -> list[Finding]:
        hangs_for_ever.wait()
        return []

    def breaks(_settings: Settings) -> list[Finding]:
        raise LookupError

    hangs_for_ever = Event()
    checks = [Check("a", hangs, 0.2), Check("b", breaks), Check("c", lambda _: [ok("c", "well")])]
    told = [(one.check, one.level, one.says) for one in running.run(checks, clean_settings())]
    hangs_for_ever.set()
    assert told == [
        ("a", "not checked", "no end within 0.2 s"),
        ("b", "not checked", "LookupError"),
        ("c", "ok", "well"),
    ]
