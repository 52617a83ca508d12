"""The usual times of models: test generations and live generations count apart, each at a bounded cost."""

import psycopg

from bench.instruments.rows_read import CountingSql
from bench.load import history
from schemas.settings import Settings
from storage.database import Database
from storage.estimates import usual_times
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
