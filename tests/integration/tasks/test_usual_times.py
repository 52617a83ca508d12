"""A process remembers the usual times of work, and asks again soon while too few generations are known."""

from types import SimpleNamespace

import psycopg
import pytest

from bench.load import history
from schemas.settings import Settings
from storage.database import Database
from storage.render_times import Work
from tasks.usual_times import UsualTimes
from tests.support import new_customer

NOW, SOON, A_MINUTE = 1000.0, 1006.0, 1067.0
WORK = Work("nano-banana", "kie", None)


def test_times_are_known_seconds_after_enough_work_has_ended_and_then_kept_for_a_minute(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = UsualTimes(database)

    def at(moment: float) -> float | None:
        with monkeypatch.context() as patch:
            patch.setattr("tasks.usual_times.time", SimpleNamespace(monotonic=lambda: moment))
            found = usual.of(WORK)
        return None if found is None else round(found.p90_seconds)

    assert at(NOW) is None
    history.fill(settings.database_url, new_customer(database, 0).id, 1_100)
    takes(settings, 30)
    assert at(NOW + 1) is None
    assert at(SOON) == 30
    takes(settings, 90)
    assert at(SOON + 59) == 30
    assert at(A_MINUTE) == 90


def takes(settings: Settings, seconds: int) -> None:
    """All work took so long."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE generations SET provider = 'kie', started_at = created_at, provider_seconds = NULL, "
            "rendered_at = created_at + make_interval(secs => %s) WHERE stage = 'completed'",
            [seconds],
        )
