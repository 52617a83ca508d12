"""The bench's population, in a real PostgreSQL."""

from datetime import timedelta

from bench.instruments.waker_plan import explain
from bench.load.population import Population
from schemas.enums import Stage
from schemas.settings import Settings
from storage import generations
from storage.audit import rows
from storage.database import Database
from storage.sql import of


def take_due(database: Database) -> int:
    with database.transaction() as session:
        return len(generations.take_due(of(session), [Stage.GENERATING], limit=64, resend_after=10))


def test_population_passes_the_audit_and_has_nothing_due(database: Database, settings: Settings) -> None:
    population = Population.of(settings)
    told: list[int] = []
    population.grow(30, told.append)
    population.grow(50, told.append)

    found = rows.check(database, rows.EVERYTHING)
    assert (found.generations, found.breaches) == (50, [])
    assert told == [30, 50]
    assert take_due(database) == 0


def test_chosen_generations_become_due_one_after_the_other(database: Database, settings: Settings) -> None:
    population = Population.of(settings)
    population.grow(50, lambda _: None)
    due = sorted(population.make_due(20, rate=100, after=3600).values())
    assert due[-1] - due[0] == timedelta(seconds=0.19)
    assert take_due(database) == 0

    population.make_due(20, rate=100, after=-1)
    assert take_due(database) == 20


def test_explaining_the_wakers_query_wakes_no_generation(database: Database, settings: Settings) -> None:
    population = Population.of(settings)
    population.grow(50, lambda _: None)
    population.make_due(20, rate=100, after=-1)
    plan = explain(database, settings.pipeline)

    assert plan.milliseconds > 0
    assert plan.lines[0].startswith("Update on generations: 20 rows, ")
    assert take_due(database) == 20
