"""The usual times of models: test generations and live generations count apart, each at a bounded cost."""

import psycopg

from bench.instruments.rows_read import CountingSql
from bench.load import history
from schemas.settings import Settings
from storage.database import Database
from storage.estimates import usual_times
from storage.render_times import Work, render_times
from tests.support import new_customer

# The older half is a test customer's. A test takes 2 s, and a live generation 10 s.
OLDER_HALF = """
    UPDATE generations SET provider = 'test_kie', finished_at = created_at + interval '2 s'
    WHERE stage = 'completed'
      AND created_at < (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY created_at) FROM generations)
"""


def test_times_of_tests_and_of_live_generations_are_read_apart(database: Database, settings: Settings) -> None:
    history.fill(settings.database_url, new_customer(database, 0).id, 2_500)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(OLDER_HALF)
        connection.execute("VACUUM (FULL, ANALYZE) generations")
    for is_test, seconds in ((True, 2.0), (False, 10.0)):
        with database.transaction() as session:
            counting = CountingSql(session)
            found = usual_times(counting, ["nano-banana", "no such"], is_test=is_test)
        assert {name: (time.sample, time.p50_seconds, time.p90_seconds) for name, time in found.items()} == {
            "nano-banana": (100, seconds, seconds)
        }
        assert counting.rows <= 100, counting.plans


# Videos of 5 s take 100 to 199 s here. The vendor says 7 s of those of 10 s.
RENDERED = """
    UPDATE generations SET
        provider = 'kie', started_at = created_at, rendered_at = created_at + make_interval(secs => 100 + number % 100),
        provider_seconds = CASE WHEN number % 2 = 0 THEN NULL ELSE 7 END,
        "order" = jsonb_set(
            "order", '{inputs,duration_seconds}', CASE WHEN number % 2 = 0 THEN '5' ELSE '10' END::jsonb
        )
    FROM (SELECT id, row_number() OVER (ORDER BY finished_at DESC) AS number FROM generations) AS numbered
    WHERE generations.id = numbered.id
"""


def test_render_times_are_those_of_the_same_model_account_and_length(database: Database, settings: Settings) -> None:
    history.fill(settings.database_url, new_customer(database, 0).id, 2_500)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(RENDERED)
        connection.execute("VACUUM (FULL, ANALYZE) generations")

    def times(length: int | None, provider: str = "kie") -> tuple[float, float] | None:
        with database.transaction() as session:
            counting = CountingSql(session)
            found = render_times(counting, Work("nano-banana", provider, length))
        assert counting.rows <= 200, counting.plans
        return None if found is None else (round(found.p10_seconds), round(found.p90_seconds))

    p10, p90 = times(5) or (0, 0)
    assert (100 <= p10 <= 115, 180 <= p90 <= 199) == (True, True)
    assert times(10) == (7, 7)
    assert (times(None), times(5, "fal")) == (None, None)
