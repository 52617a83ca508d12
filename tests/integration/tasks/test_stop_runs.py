"""A run that was given up while its server of our own was silent is stopped once the server answers again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis import Redis
from sqlalchemy import text

from providers.base import RemoteRef, RemoteState, RemoteStatus
from providers.catalogue.models import WhenLost
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.enums import CancelRule, ErrorCode, EventName, Queue, Stage, TaskName
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.plain_messages import content
from schemas.stages import TERMINAL
from stack.stack import Stack
from storage import acceptance, cancellation
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from tasks import stop_runs
from tasks.services import WorkerServices
from tasks.wake import wake
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_lost import opened, settlements
from tests.support import eventually, new_customer
from workers.envelopes import checked

TINY = Delivered(width=64, height=64, duration_seconds=1)
FREE = Balance(1000, 0)
LONG = 600
AWAY: dict[str, object] = {"code": 503, "msg": "away"}
LONG_SILENT = "silent_since = clock_timestamp() - interval '1 hour', failures = 3"

# The account, the adapter of its routes, and a model that goes there.
LOCAL = ("gpu_1", "local", "ltx-video")
COMFYUI = ("comfyui", "comfyui", "qwen-image")
VLLM = ("vllm", "openai_videos", "openai-compatible-video")
SGLANG = ("sglang", "openai_videos", "openai-compatible-video")
STOPPING = pytest.mark.parametrize("server", [LOCAL, COMFYUI, VLLM], ids=lambda server: server[0])


@dataclass
class Own:
    """A worker with accounts at servers of our own, all of them in the sandbox."""

    worker: WorkerServices
    sandbox: SandboxClient
    database: Database

    def begun(self, server: tuple[str, str, str], *, then: str | None = None, **behaviour: object) -> Life:
        """An order that runs at a server, which then answers one read with 503.

        Args:
            then: the adapter of a second route.
            behaviour: the scenario of the run.
        """
        life = self.ordered(server, then=then, **{"seconds": LONG, "poll_error": AWAY, **behaviour})
        assert life.step() is Stage.GENERATING
        assert life.row.provider == server[0]
        return life

    def ordered(self, server: tuple[str, str, str], *, then: str | None = None, **behaviour: object) -> Life:
        """An order that no worker has taken yet. Arguments: as for `begun`."""
        account, adapter, model = server
        word, customer = f"w{uuid4().hex}", new_customer(self.database, 1000)
        self.behave(word, **behaviour)

        def made(request: GenerationRequest, facts: Facts) -> Order:
            whole = self.worker.catalogue.order(request, facts)
            first = next(route for route in whole.routes if route.provider == adapter)
            others = [route for route in whole.routes if route.provider == then]
            return whole.model_copy(update={"routes": [first.model_copy(update={"provider": account}), *others]})

        wanted = GenerationRequest.model_validate({"model": model, "prompt": f"a boat {word}"})
        with self.database.transaction() as session:
            accepted = acceptance.accept(of(session), customer.id, wanted, made, self.worker.settings.pipeline)
        return Life(self.database, self.worker, self.sandbox, customer, accepted.generation.id, word)

    def behave(self, word: str, **behaviour: object) -> None:
        """Set the treatment of further runs of an order."""
        scenario = {"callback": "lost", "delivered": TINY, **behaviour, "match": Match(prompt_contains=word)}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))

    def with_rule(self, rule: WhenLost) -> None:
        """Change the policy of all routes for lost work."""
        self.worker.catalogue.when_lost = lambda model, route: rule  # type: ignore[method-assign]


@pytest.fixture
def own(
    lives: Lives, database: Database, worker: WorkerServices, sandboxed: Stack, sandbox: SandboxClient
) -> Iterator[Own]:
    """Servers of our own, whose silent work is lost. Lost work fails unless a test says otherwise."""
    given = worker.settings.providers
    kept, sandbox_url = {"timeout_seconds": 30}, sandboxed.sandbox_url
    local = given.named("local").model_copy(update=kept)
    options = {"workflows": SecretStr("examples"), "progress_seconds": SecretStr("0")}
    comfyui = given.named("comfyui").model_copy(update={**kept, "options": options})
    engines = {
        name: given.named("openai_videos").model_copy(
            update={
                **kept,
                "adapter": "openai_videos",
                "base_url": f"{sandbox_url}/openai_videos/{engine}",
                "options": {"engine": SecretStr(engine)},
            }
        )
        for name, engine in (("vllm", "vllm-omni"), ("sglang", "sglang"))
    }
    accounts = given.with_accounts(
        local=local, gpu_1=local.model_copy(update={"adapter": "local"}), comfyui=comfyui, **engines
    )
    pipeline = worker.settings.pipeline.model_copy(update={"poll_first_seconds": 0.001})
    with opened(worker.settings.model_copy(update={"providers": accounts, "pipeline": pipeline})) as services:
        made = Own(services, sandbox, database)
        made.with_rule(WhenLost.FAIL)
        yield made
    with worker.database.transaction() as session:
        session.execute(text("DELETE FROM runs_to_stop; DELETE FROM route_health; DELETE FROM admissions"))
    worker.gate.forget_view()


def rows(life: Life) -> list[tuple[str, str, int]]:
    """The runs of a generation that are to be stopped: account, id, tries."""
    query = text("SELECT provider, remote_id, tries FROM runs_to_stop WHERE generation_id = :id")
    with life.database.transaction() as session:
        return [(row.provider, row.remote_id, row.tries) for row in session.execute(query, {"id": life.id})]


def change(life: Life, assignment: str) -> None:
    """Change the row of a run to stop, to imitate the passing of time."""
    with life.database.transaction() as session:
        session.execute(text(f"UPDATE runs_to_stop SET {assignment} WHERE generation_id = :id"), {"id": life.id})


def sent(life: Life) -> list[dict[str, Any]]:
    """Look once as the waker does. Returns the messages about runs to stop. Each is sent again after an hour."""
    settings = life.worker.settings
    pipeline = settings.pipeline.model_copy(update={"resend_after_seconds": 3600})
    waker = replace(life.worker, settings=settings.model_copy(update={"pipeline": pipeline}))
    with Redis.from_url(settings.redis_url) as redis:
        redis.delete(Queue.POLL.value)
        wake(waker, [Queue.POLL])
        raw = [cast("bytes", each) for each in redis.lrange(Queue.POLL.value, 0, -1)]
        redis.delete(Queue.POLL.value)
    messages = [cast("dict[str, Any]", checked(each, Queue.POLL.value)) for each in raw]
    return [message for message in messages if message["headers"]["task"] == TaskName.STOP.value]


def due(*lives: Life) -> list[dict[str, Any]]:
    """Make the next tries due. Returns the messages that the waker sends."""
    for life in lives:
        change(life, "wake_at = clock_timestamp()")
    return sent(lives[0])


def arguments(message: dict[str, Any]) -> tuple[str, int]:
    """The arguments of a message, as a worker gets them."""
    (run_id, turn), _, _ = cast("list[Any]", content(message))
    return run_id, turn


def try_to_stop(life: Life) -> None:
    """Wait for the next try, and make it."""
    (message,) = due(life)
    stop_runs.run(life.worker, *arguments(message))


def lose(life: Life) -> tuple[str, str]:
    """Let a read fail after a long silence. Returns the account and the id of the run that is given up."""
    account, remote_id = life.row.provider, life.row.remote_id
    assert remote_id is not None
    life.set(LONG_SILENT)
    life.step()
    return account, remote_id


def states(life: Life) -> dict[str, str]:
    """The states of all runs of an order, at the servers."""
    return {task.task_id: task.state for task in life.sandbox.tasks(life.word)}


def answers(life: Life) -> list[dict[str, object]]:
    """The answers to requests to stop, as the timeline has them."""
    return [dict(event.data) for event in life.events if event.name is EventName.CANCEL_SENT]


def cancels(life: Life) -> list[int]:
    """The requests to stop that each run of an order got."""
    return [task.cancels for task in life.sandbox.tasks(life.word)]


@STOPPING
def test_the_run_is_stopped_when_its_server_answers_again(own: Own, server: tuple[str, str, str]) -> None:
    life = own.begun(server)
    account, remote_id = lose(life)
    assert (life.row.stage, life.row.error_code, life.balance) == (Stage.FAILED, ErrorCode.WORK_LOST, FREE)
    assert rows(life) == [(account, remote_id, 0)]
    assert "cancelled" not in states(life).values(), "the server was cut off alone, and works on"

    try_to_stop(life)
    eventually(lambda: list(states(life).values()), lambda now: now == ["cancelled"])
    assert rows(life) == []
    (told,) = answers(life)
    assert (told["provider"], told["remote_id"]) == (account, remote_id)
    assert told["answer"] in {"stopped", "requested"}
    assert (life.row.stage, life.balance, settlements(life)) == (Stage.FAILED, FREE, ["hold", "release"])


def test_the_next_run_at_another_server_goes_on(own: Own) -> None:
    own.with_rule(WhenLost.AGAIN)
    life = own.begun(LOCAL, then="local")
    _, first = lose(life)
    assert (life.row.stage, life.row.provider) == (Stage.QUEUED, "local")
    own.behave(life.word, seconds=LONG)
    assert life.step() is Stage.GENERATING
    second = life.row.remote_id
    assert second is not None

    try_to_stop(life)
    assert states(life)[first] == "cancelled"
    assert states(life)[second] != "cancelled"
    row = life.row
    assert (row.stage, row.remote_id, row.cancel_sent_at) == (Stage.GENERATING, second, None)
    own.sandbox.finish(life.word)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert settlements(life) == ["hold", "capture"]


def test_the_next_run_at_the_same_server_goes_on(own: Own) -> None:
    own.with_rule(WhenLost.AGAIN)
    life = own.begun(LOCAL)
    account, first = lose(life)
    own.behave(life.word, seconds=LONG)
    assert life.step() is Stage.GENERATING
    assert life.row.provider == account
    second = life.row.remote_id
    assert second is not None
    try_to_stop(life)
    assert states(life)[first] == "cancelled"
    assert states(life)[second] != "cancelled"


@STOPPING
def test_a_run_that_has_finished_is_left_alone(own: Own, server: tuple[str, str, str]) -> None:
    life = own.begun(server)
    account, remote_id = lose(life)
    own.sandbox.finish(life.word)
    eventually(lambda: list(states(life).values()), lambda now: now == ["success"])
    try_to_stop(life)
    assert rows(life) == []
    assert [told["answer"] for told in answers(life)] == ["impossible"]
    state = own.worker.providers.get(account).poll(RemoteRef(remote_id, server[2]))
    assert state.status is RemoteStatus.SUCCEEDED, "the result is still there"
    assert (life.row.stage, settlements(life)) == (Stage.FAILED, ["hold", "release"])


def test_a_server_that_cannot_stop_work_is_not_asked(own: Own) -> None:
    life = own.begun(SGLANG)
    lose(life)
    assert (life.row.stage, rows(life)) == (Stage.FAILED, [])


def test_a_server_that_is_still_silent_is_asked_again(own: Own) -> None:
    life = own.begun(LOCAL, cancel_error=AWAY, cancel_error_times=2)
    account, remote_id = lose(life)
    for tries in (1, 2):
        try_to_stop(life)
        assert rows(life) == [(account, remote_id, tries)]
    try_to_stop(life)
    assert (rows(life), list(states(life).values())) == ([], ["cancelled"])
    assert len(answers(life)) == 1


def test_a_repeated_wake_up_makes_no_second_try(own: Own) -> None:
    life = own.begun(LOCAL, cancel_error=AWAY, cancel_error_times=9)
    lose(life)
    (message,) = due(life)
    for _ in range(3):
        stop_runs.run(life.worker, *arguments(message))
    assert cancels(life) == [1]


def test_a_wake_up_is_sent_when_it_is_due_and_once(own: Own) -> None:
    life = own.begun(LOCAL)
    lose(life)
    change(life, "wake_at = clock_timestamp() + interval '1 hour'")
    assert sent(life) == []
    assert len(due(life)) == 1
    assert sent(life) == []


@pytest.mark.parametrize(
    "passed",
    [
        f"tries = {stop_runs.MOST_TRIES}",
        f"tries = 1, created_at = clock_timestamp() - interval '{stop_runs.LONGEST_SECONDS + 1} seconds'",
    ],
)
def test_the_tries_end(own: Own, passed: str) -> None:
    life = own.begun(LOCAL)
    lose(life)
    change(life, passed)
    try_to_stop(life)
    assert (rows(life), cancels(life), answers(life)) == ([], [0], [])


def test_a_run_that_its_server_does_not_know_is_forgotten(own: Own) -> None:
    life = own.begun(LOCAL)
    lose(life)
    change(life, "remote_id = 'job-unknown'")
    try_to_stop(life)
    assert (rows(life), cancels(life)) == ([], [0])
    assert [told["answer"] for told in answers(life)] == ["impossible"]


def test_the_run_of_a_cancelled_order_is_stopped_too(own: Own) -> None:
    life = own.begun(LOCAL, cancel_error=AWAY)
    with life.database.transaction() as session:
        cancellation.request(
            session, life.id, customer_id=life.customer.id, rule_of=lambda _order, _route: CancelRule.FREE
        )
    lose(life)
    assert (life.row.stage, life.balance) == (Stage.CANCELLED, FREE)
    try_to_stop(life)
    assert (rows(life), list(states(life).values())) == ([], ["cancelled"])


def test_a_server_that_tells_of_the_loss_has_nothing_to_stop(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    life = own.begun(LOCAL)
    vendor = own.worker.providers.get("gpu_1")
    monkeypatch.setattr(vendor, "poll", lambda _remote: RemoteState(RemoteStatus.LOST))
    assert life.step() is Stage.FAILED
    assert rows(life) == []


def test_a_server_that_answers_without_the_work_has_nothing_to_stop(own: Own) -> None:
    life = own.begun(COMFYUI)
    assert life.step() is Stage.GENERATING, "one read without an answer"
    own.sandbox.restart("comfyui")
    lose(life)
    assert (life.row.stage, life.row.error_code) == (Stage.FAILED, ErrorCode.WORK_LOST)
    assert rows(life) == []


def test_a_vendor_that_bills_is_asked_once_as_before(lives: Lives) -> None:
    life = lives.begin({"model": "flux-schnell"}, seconds=LONG, cancel_error={**AWAY, "http_status": 503})
    assert life.step() is Stage.GENERATING
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert (rows(life), cancels(life)) == ([], [1])


def test_a_drained_worker_leaves_the_run_to_others(own: Own) -> None:
    life = own.begun(LOCAL)
    lose(life)
    (message,) = due(life)
    own.worker.taking.close()
    stop_runs.run(life.worker, *arguments(message))
    assert [row[2] for row in rows(life)] == [0]
    own.worker.taking.open()
    stop_runs.run(life.worker, *arguments(message))
    assert (rows(life), list(states(life).values())) == ([], ["cancelled"])
