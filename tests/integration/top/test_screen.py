"""`reelworks top`: what a person sees and does at the terminal."""

from urllib.parse import urlsplit
from uuid import UUID

import pytest

from cli.top.timeline_screen import TimelineScreen
from drills.chaos.network.proxy import Proxy
from schemas.enums import ErrorCode
from schemas.limits import AccountLimits
from schemas.settings import Settings
from schemas.variants import VariantError
from storage import admission
from storage.database import Database
from storage.objects import ObjectStore
from storage.variants import claims
from tests.integration.gateway.finishing import claim, complete_with_variants, fail
from tests.integration.top.conftest import Drive, Screen
from tests.support import NewCustomer, a_generation, a_video


def run(database: Database, statement: str, **given: object) -> None:
    with database.statement() as sql:
        sql.run(statement, **given)


@pytest.fixture
def generations(database: Database, settings: Settings, customer: NewCustomer) -> list[UUID]:
    """Three unfinished generations, the oldest first, and one that failed.

    None is due within the hour. A worker has the claim of the third.
    """
    made = [a_generation(database, settings, customer) for _ in range(3)]
    fail(database, settings, a_generation(database, settings, customer, a_video()), ErrorCode.TIMEOUT, "late")
    held = claim(database, settings, made[2])
    run(database, "UPDATE generations SET wake_at = now() + interval '1 hour' WHERE wake_at IS NOT NULL")
    run(
        database,
        "UPDATE generations SET holder = 'provider@host', lease_until = now() + interval '1 hour' WHERE id = %(id)s",
        id=held.id,
    )
    for age, each in enumerate(made):
        run(
            database,
            "UPDATE generations SET created_at = now() - make_interval(mins => %(age)s) WHERE id = %(id)s",
            age=10 - age, id=each,
        )  # fmt: skip
    return made


def test_first_screen_shows_stages_providers_failures_queues_and_claims(
    drive: Drive, database: Database, generations: list[UUID]
) -> None:
    with database.statement() as sql:
        admission.declare(sql, {"kie": AccountLimits(in_flight=3)})
    run(database, "UPDATE admission_accounts SET closed_until = now() + interval '100 s', closed_reason = 'too_fast'")
    run(database, "INSERT INTO admission_pauses (scope, name) VALUES ('model', 'veo-3-fast')")

    async def act(screen: Screen) -> None:
        shown = await screen.until_shows("queued", "10 min", "provider@host")
        for told in ("0/3", "takes nothing until", "paused: model veo-3-fast", "timed out", "kie 1", "messages"):
            assert told in shown
        assert "unfinished 3" in shown
        assert "failed 1" in shown

    drive(act, size=(80, 50))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_list_timeline_and_back_by_keys(drive: Drive, generations: list[UUID], size: tuple[int, int]) -> None:
    async def act(screen: Screen) -> None:
        await screen.press("1")
        await screen.until_lists(*generations)
        await screen.press("down", "enter")
        shown = await screen.until_shows("→ queued", "hold", "the next look")
        assert str(generations[1]) in shown
        await screen.press("escape")
        await screen.until_shows("unfinished 3")
        assert screen.app.screen is screen.main

    drive(act, size=size)


def test_timeline_shows_the_variants_of_the_result(
    drive: Drive, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    small: dict[str, object] = {"name": "small", "width": 16}
    generation_id = complete_with_variants(database, settings, objects, customer, b"a picture", small)

    async def act(screen: Screen) -> None:
        await screen.press("6")
        await screen.until_lists(generation_id)
        await screen.press("enter")
        await screen.until_shows("variant", "small waits for a worker", "due_seconds=")
        with database.statements() as sql:
            claimed = claims.claim(sql, lease_seconds=3600, holder="media@host")
            assert claimed is not None
            claims.fail(sql, claimed, VariantError.NOT_POSSIBLE, "no picture")
        await screen.until_shows("small was not made: no picture", "code=not_possible")

    drive(act, size=(200, 50))


def test_each_number_shows_its_list(drive: Drive, database: Database, generations: list[UUID]) -> None:
    run(database, "UPDATE generations SET wake_at = now() - interval '1 min' WHERE id = %(id)s", id=generations[0])

    async def act(screen: Screen) -> None:
        await screen.press("2")
        await screen.until_lists(generations[0])
        await screen.press("3")
        await screen.until_shows("timeout")
        assert len(screen.ids()) == 1
        await screen.press("4")
        await screen.until_lists()
        await screen.press("6")
        await screen.until(screen.ids, lambda ids: len(ids) == 1)

    drive(act)


def test_list_follows_the_database_and_the_cursor_stays_on_its_generation(
    drive: Drive, database: Database, settings: Settings, generations: list[UUID]
) -> None:
    async def act(screen: Screen) -> None:
        await screen.press("1")
        await screen.until_lists(*generations)
        await screen.press("down", "down")
        fail(database, settings, generations[0], ErrorCode.TIMEOUT, "late")
        await screen.until_lists(*generations[1:])
        await screen.press("enter")
        await screen.until_shows(str(generations[2]))

    drive(act)


def test_search_by_error_code_and_escape(drive: Drive, generations: list[UUID]) -> None:
    async def act(screen: Screen) -> None:
        await screen.press("1")
        await screen.until_lists(*generations)
        await screen.press("slash", *"timeout", "enter")
        await screen.until_shows("search: timeout (an error code): 1")
        assert screen.ids() != [str(each) for each in generations]
        await screen.press("slash", *("backspace",) * 7, *"nothing like it", "enter")
        await screen.until_shows("search: nothing like it (nothing): 0")
        await screen.press("escape")
        await screen.until_lists(*generations)

    drive(act, size=(140, 40))


def test_mouse_chooses_stages_tabs_and_rows(drive: Drive, database: Database, generations: list[UUID]) -> None:
    run(database, "UPDATE generations SET stage = 'storing' WHERE id = %(id)s", id=generations[1])

    async def act(screen: Screen) -> None:
        await screen.until_shows("unfinished 3")
        await screen.pilot.click("#stage-storing")
        await screen.until_lists(generations[1])
        await screen.pilot.click("#failed")
        await screen.until_shows("timeout")
        await screen.pilot.click("#list", offset=(3, 1))
        await screen.until(lambda: screen.app.screen, lambda shown: isinstance(shown, TimelineScreen))
        await screen.until_shows("→ failed")

    drive(act)


def test_commands_are_those_for_what_the_screen_shows(drive: Drive, generations: list[UUID]) -> None:
    async def act(screen: Screen) -> None:
        await screen.press("1")
        await screen.until_lists(*generations)
        await screen.press("c")
        await screen.until_shows("reelworks top --once --show unfinished", f"reelworks inspect {generations[0]}")
        assert screen.app.clipboard == "reelworks top --once --show unfinished"
        await screen.press("escape", "enter")
        await screen.until_shows("→ queued")
        await screen.press("c")
        await screen.until_shows("reelworks pause provider kie --reason WHY")
        assert screen.app.clipboard == f"reelworks inspect {generations[0]}"

    drive(act, size=(110, 30))


def test_question_mark_tells_the_keys(drive: Drive) -> None:
    async def act(screen: Screen) -> None:
        await screen.press("question_mark")
        await screen.until_shows("the commands for what the screen shows", "quit")
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.main, bool)

    drive(act)


def test_resize_moves_system_and_list_side_by_side(drive: Drive, generations: list[UUID]) -> None:
    async def act(screen: Screen) -> None:
        shown = await screen.until_shows("in flight")
        assert str(generations[0])[:8] not in shown
        await screen.pilot.resize_terminal(180, 40)
        await screen.until_shows("in flight", *(str(each)[:8] for each in generations))
        await screen.pilot.resize_terminal(80, 24)
        await screen.until(screen.text, lambda text: str(generations[0])[:8] not in text)

    drive(act)


def test_lost_database_shows_and_the_screen_goes_on(
    drive: Drive, database: Database, settings: Settings, generations: list[UUID]
) -> None:
    port = urlsplit(settings.database_url).port
    assert port is not None
    with Proxy() as proxy:
        link = proxy.link("database", port)
        through = settings.database_url.replace(f":{port}/", f":{link.port}/")

        async def act(screen: Screen) -> None:
            await screen.press("1")
            await screen.until_lists(*generations)
            with link.refused():
                await screen.until_shows("does not answer", "the figures below are", str(generations[0])[:8])
            await screen.until(screen.text, lambda text: "does not answer" not in text)
            fail(database, settings, generations[0], ErrorCode.TIMEOUT, "late")
            await screen.until_lists(*generations[1:])

        drive(act, settings=settings.model_copy(update={"database_url": through}))


def test_absent_services_are_named_without_a_password(drive: Drive, settings: Settings) -> None:
    away = settings.model_copy(
        update={
            "database_url": "postgresql://reelworks:s3cret@127.0.0.1:1/reelworks",
            "redis_url": "redis://:s3cret@127.0.0.1:2/0",
        }
    )

    async def act(screen: Screen) -> None:
        shown = await screen.until_shows(
            "the database at 127.0.0.1:1 does not answer", "Redis at 127.0.0.1:2 does not answer"
        )
        assert "s3cret" not in shown
        await screen.press("1", "q")

    drive(act, settings=away)


def test_q_quits(drive: Drive) -> None:
    async def act(screen: Screen) -> None:
        await screen.until_shows("queued")
        await screen.press("q")
        await screen.until(lambda: screen.app.is_running, lambda is_running: not is_running)

    drive(act)
