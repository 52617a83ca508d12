"""The inputs of an order that waits for days outlive their own time."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from schemas.enums import ErrorCode, Stage, SweepKind
from schemas.errors import InvalidRequest
from schemas.setting_groups import RetentionSettings
from schemas.stages import TERMINAL
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_earlier_generations import EDIT, SMALL, made
from tests.integration.tasks.test_sweep import WEEK, age, counts, swept
from tests.integration.tasks.test_uploads import I2V, PICTURE, expire

SCHEDULED: dict[str, object] = {"not_before": (datetime.now(UTC) + timedelta(days=2)).isoformat()}


def starts_now(life: Life) -> None:
    """The scheduled start has come."""
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    life.set(f"""\"order\" = \"order\" || '{{"not_before": "{past}"}}'""")


def removed(life: Life, retention: RetentionSettings = WEEK) -> dict[SweepKind, int]:
    """The uploads and results that a sweep removes. A dry run finds the same ones."""
    kinds = (SweepKind.ASSETS, SweepKind.UPLOADS)
    objects = life.worker.objects
    expected = counts(swept(life.database, objects, retention, *kinds, is_dry=True))
    found = counts(swept(life.database, objects, retention, *kinds))
    assert found == expected
    return found


def test_upload_stays_until_the_order_that_names_it_ends(lives: Lives) -> None:
    life = lives.begin_from(PICTURE, {**I2V, **SCHEDULED}, delivered=SMALL)
    expire(life)
    assert removed(life) == {}

    starts_now(life)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert removed(life) == {SweepKind.UPLOADS: 1}


@pytest.mark.parametrize("by_request", [True, False])
def test_earlier_result_stays_until_the_order_that_names_it_ends(lives: Lives, *, by_request: bool) -> None:
    earlier = made(lives)
    life = lives.begin_after(earlier, {**EDIT, **SCHEDULED}, delivered=SMALL)
    if by_request:
        with life.database.transaction() as session:
            session.execute(
                text("UPDATE assets SET expires_at = now() - interval '1 s' WHERE generation_id = :id"),
                {"id": earlier.id},
            )
    else:
        age(life.database, earlier.id, 8)
    assert removed(life) == {}

    starts_now(life)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert removed(life) == {SweepKind.ASSETS: 2}


def test_result_whose_time_is_over_is_refused_as_an_input_of_a_new_order(lives: Lives) -> None:
    earlier = made(lives)
    lives.begin_after(earlier, {**EDIT, **SCHEDULED})
    with earlier.database.transaction() as session:
        session.execute(text("UPDATE assets SET expires_at = now() - interval '1 s'"))
    assert removed(earlier) == {}
    with pytest.raises(InvalidRequest, match="has no file any more"):
        lives.begin_after(earlier, EDIT)


def test_order_whose_upload_the_customer_deleted_fails_at_its_start(lives: Lives) -> None:
    life = lives.begin_from(PICTURE, {**I2V, **SCHEDULED})
    with life.database.transaction() as session:
        session.execute(text("DELETE FROM uploads"))
    starts_now(life)
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.accepted_creates()) == (ErrorCode.INPUT_UNREADABLE, 0)
