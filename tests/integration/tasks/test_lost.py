"""A server of one's own is killed in the middle of its work: the work runs again, or fails unpaid, by its route."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4, uuid5

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from metrics.instruments import REGISTRY
from providers.base import RemoteState, RemoteStatus
from providers.catalogue.models import WhenLost
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.enums import CancelRule, ErrorCode, Stage
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from schemas.stages import TERMINAL
from stack.ports import free_port
from stack.stack import Stack
from storage import acceptance, callbacks, cancellation, timeline, timeline_document
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_submit import declared
from tests.sandbox.harness import KEY, start_sandbox
from tests.support import new_customer
from workers.app import create_app
from workers.lifecycle import open_services

PRICE = 15
FREE, HELD, PAID = Balance(1000, 0), Balance(1000 - PRICE, PRICE), Balance(1000 - PRICE, 0)
LONG = 600
_SERVERS = ("gpu_1", "local")
TINY = Delivered(width=64, height=64, duration_seconds=1)
GRACE_IS_OVER = "stage_at = stage_at - interval '1 hour'"


@dataclass
class Servers:
    """Two servers of one's own, the accounts `gpu_1` and `local`. The first one can be killed."""

    worker: WorkerServices
    first: SandboxClient
    second: SandboxClient
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """Kill the first server. Its work is gone."""
        self.process.kill()
        self.process.wait()

    def begin(
        self,
        database: Database,
        *,
        second: dict[str, object] | None = None,
        order: dict[str, object] | None = None,
        **behaviour: object,
    ) -> Life:
        """Accept an order that goes to the first server.

        Args:
            second: the scenario at the second server.
            order: further fields of the order.
            behaviour: the scenario at the first server.
        """
        word, customer = f"w{uuid4().hex}", new_customer(database, 1000)
        for sandbox, told in ((self.first, behaviour), (self.second, second or {})):
            scenario = {"seconds": 0, "callback": "lost", "delivered": TINY, **told}
            sandbox.add_scenario(Scenario.model_validate({**scenario, "match": Match(prompt_contains=word)}))
        asked = {"model": "ltx-video", "prompt": f"a boat {word}", **(order or {})}
        wanted = GenerationRequest.model_validate(asked)

        def made(request: GenerationRequest, facts: Facts) -> Order:
            whole = self.worker.catalogue.order(request, facts)
            routes = [route for route in whole.routes if route.provider in _SERVERS]
            return whole.model_copy(update={"routes": sorted(routes, key=lambda route: route.provider)})

        with database.transaction() as session:
            accepted = acceptance.accept(of(session), customer.id, wanted, made, self.worker.settings.pipeline)
        return Life(database, self.worker, self.second, customer, accepted.generation.id, word)

    def with_rule(self, rule: WhenLost) -> None:
        """Change the policy of the routes for lost work."""
        self.worker.catalogue.when_lost = lambda model, route: rule  # type: ignore[method-assign]


@contextmanager
def opened(settings: Settings) -> Iterator[WorkerServices]:
    with open_services(create_app(settings, process="worker"), settings, worker_name="a test", threads=8) as services:
        yield services


def server_at(url: str, key: str) -> ProviderSettings:
    return ProviderSettings(
        adapter="local",
        base_url=f"{url}/local",
        api_key=SecretStr(key),
        options={"lost_after_seconds": SecretStr("1")},
        timeout_seconds=30,
    )


@pytest.fixture
def servers(lives: Lives, worker: WorkerServices, sandboxed: Stack, sandbox: SandboxClient) -> Iterator[Servers]:
    """Two servers, and a worker that knows both."""
    process = start_sandbox(port := free_port())
    first = f"http://127.0.0.1:{port}"
    key = worker.settings.providers.named("local").api_key.get_secret_value()
    accounts = worker.settings.providers.with_accounts(
        gpu_1=server_at(first, KEY), local=server_at(sandboxed.sandbox_url, key)
    )
    pipeline = worker.settings.pipeline.model_copy(update={"poll_first_seconds": 0.001})
    settings = worker.settings.model_copy(update={"providers": accounts, "pipeline": pipeline})
    with opened(settings) as services, SandboxClient(first) as client:
        client.lift_limits()
        yield Servers(services, client, sandbox, process)
    process.kill()
    process.communicate()
    with worker.database.transaction() as session:
        session.execute(text("DELETE FROM route_health; DELETE FROM admissions; DELETE FROM admission_accounts"))
    worker.gate.forget_view()


def generating(
    servers: Servers, database: Database, *, second: dict[str, object] | None = None, **behaviour: object
) -> Life:
    life = servers.begin(database, second=second, order=None, **{"seconds": LONG, **behaviour})
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "gpu_1"
    return life


def the_loss(life: Life) -> dict[str, object]:
    """The details of the one move back to `queued`."""
    (event,) = [event for event in life.events if (event.origin, event.stage) == (Stage.GENERATING, Stage.QUEUED)]
    return dict(event.data)


def counted_losses() -> float:
    """The runs that servers have lost, as the metric tells."""
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "reelworks_runs_lost_total")


def settlements(life: Life) -> list[str]:
    """The transfers of a generation's credits, in order."""
    query = text("SELECT kind FROM ledger_transfers WHERE generation_id = :id ORDER BY id")
    with life.database.transaction() as session:
        return list(session.execute(query, {"id": life.id}).scalars())


def test_work_of_a_killed_server_completes_on_the_second(servers: Servers, database: Database) -> None:
    life = generating(servers, database)
    first_id = life.row.remote_id
    counted = counted_losses()
    servers.kill()
    assert life.go(until=frozenset({Stage.QUEUED, *TERMINAL})) is Stage.QUEUED
    assert counted_losses() == counted + 1
    row = life.row
    assert (row.provider, row.remote_id, row.remote_links, row.silent_since) == ("local", None, {}, None)
    assert row.lost_runs == [{"provider": "gpu_1", "remote_id": first_id}]
    assert life.balance == HELD

    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.balance == PAID
    assert settlements(life) == ["hold", "capture"]
    assert life.accepted_creates() == 1
    (task,) = servers.second.tasks(life.word)
    assert task.request["reference"] == str(uuid5(life.id, "run 2"))
    told = the_loss(life)
    assert told["message"] == "the server that worked on it was lost; the generation runs again"
    assert (told["times"], told["route"], told["next_route"], told["remote_id"]) == (1, 0, 1, first_id)
    assert "has answered no read for" in str(told["reason"])


def test_customers_read_that_the_server_was_lost_and_no_name_of_it(servers: Servers, database: Database) -> None:
    life = generating(servers, database)
    servers.kill()
    life.go(until=TERMINAL)
    with database.transaction() as session:
        records = timeline.records(session, life.row)
    (told,) = [entry for entry in timeline_document.for_customers(records).entries if "message" in entry.details]
    assert told.details == {"message": "the server that worked on it was lost; the generation runs again"}


def test_work_that_a_restarted_server_lost_runs_again_there_if_no_other_is_well(
    servers: Servers, database: Database
) -> None:
    life = servers.begin(database, state_word="lost")
    life.step()
    first_id = life.row.remote_id
    life.set("""routes_given_up = 2""")
    assert life.step() is Stage.QUEUED
    assert life.row.provider == "gpu_1"
    with servers.first.scenario(Scenario(match=Match(prompt_contains=life.word), seconds=0, delivered=TINY)):
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.row.remote_id != first_id
    assert servers.first.requests(life.word).accepted == 2
    assert settlements(life) == ["hold", "capture"]


def test_work_that_every_server_loses_ends_unpaid_after_a_few_runs(servers: Servers, database: Database) -> None:
    life = servers.begin(database, state_word="lost", second={"state_word": "lost"})
    assert life.go(until=TERMINAL) is Stage.FAILED
    row = life.row
    assert (row.error_code, row.error_message) == (ErrorCode.WORK_LOST, "the server has lost the work; that was run 3")
    assert len(row.lost_runs) == 2
    assert servers.first.requests(life.word).accepted + servers.second.requests(life.word).accepted == 3
    assert life.balance == FREE
    assert settlements(life) == ["hold", "release"]


@pytest.mark.parametrize("behaviour", [{"state_word": "lost"}, {"seconds": LONG}])
def test_work_of_a_route_that_says_fail_fails_unpaid(
    servers: Servers, database: Database, behaviour: dict[str, object]
) -> None:
    servers.with_rule(WhenLost.FAIL)
    life = generating(servers, database, second=None, **behaviour)
    if "seconds" in behaviour:
        servers.kill()
    assert life.go(until=TERMINAL) is Stage.FAILED
    assert life.row.error_code is ErrorCode.WORK_LOST
    assert life.balance == FREE
    assert life.accepted_creates() == 0


def test_a_vendor_that_bills_never_runs_work_again(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = lives.begin({"model": "flux-schnell"}, seconds=LONG)
    assert life.step() is Stage.GENERATING
    vendor = life.worker.providers.get(life.row.provider)
    monkeypatch.setattr(vendor, "poll", lambda _remote: RemoteState(RemoteStatus.LOST))
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.WORK_LOST
    assert life.accepted_creates() == 1


def test_a_late_callback_of_the_lost_run_changes_nothing(servers: Servers, database: Database) -> None:
    life = generating(servers, database, second={"seconds": LONG})
    first_id = life.row.remote_id
    assert first_id is not None
    life.set("callback_at = claimed_at - interval '1 second'")
    servers.kill()
    life.go(until=frozenset({Stage.QUEUED}))
    assert life.step() is Stage.GENERATING
    second_id, before = life.row.remote_id, life.row
    for provider in ("gpu_1", "local"):
        with database.statements() as sql:
            recorded = callbacks.record(
                sql, provider, life.id, remote_id=first_id, body=provider.encode(), resend_after=3600
            )
        assert recorded.wake is None
    after = life.row
    assert (after.remote_id, after.callback_at, after.wake_at) == (second_id, None, before.wake_at)
    servers.second.finish(life.word)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert settlements(life) == ["hold", "capture"]


def test_the_id_of_a_lost_run_is_not_adopted_by_the_next_create(servers: Servers, database: Database) -> None:
    """The same server lost the first run, and the outcome of the second create is unknown when the callback comes."""
    life = servers.begin(database, state_word="lost")
    life.step()
    lost_id = life.row.remote_id
    assert lost_id is not None
    life.set("routes_given_up = 2")
    assert life.step() is Stage.QUEUED
    declared(life)
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    with database.statements() as sql:
        recorded = callbacks.record(sql, "gpu_1", life.id, remote_id=lost_id, body=b"late", resend_after=3600)
    assert recorded.wake is None
    assert life.step() is Stage.SUBMITTING, "nothing is known of the second create"
    assert life.row.remote_id is None


def test_the_look_up_finds_the_present_run_alone(servers: Servers, database: Database) -> None:
    life = servers.begin(database, state_word="lost", create_reply="drop")
    assert life.step() is Stage.SUBMITTING, "the answer was lost"
    assert life.step() is Stage.GENERATING, "the look-up found the first run"
    first_id = life.row.remote_id
    life.set("routes_given_up = 2")
    assert life.step() is Stage.QUEUED
    assert life.step() is Stage.SUBMITTING
    assert life.step() is Stage.GENERATING
    ids = [task.task_id for task in servers.first.tasks(life.word)]
    assert ids == [first_id, life.row.remote_id]


@pytest.mark.parametrize("is_killed", [True, False])
def test_a_create_that_a_server_never_confirms_is_sent_again_after_the_grace(
    servers: Servers, database: Database, is_killed: bool
) -> None:
    life = servers.begin(database)
    declared(life)
    life.set(f"lease_until = clock_timestamp() - interval '1 second', {GRACE_IS_OVER}")
    if is_killed:
        servers.kill()
    counted = counted_losses()
    assert life.step() is Stage.QUEUED
    assert counted_losses() == counted + 1
    assert life.row.lost_runs == [{"provider": "gpu_1", "remote_id": None}]
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    (task,) = servers.second.tasks(life.word)
    assert task.request["reference"] == str(life.id), "no accepted run was lost"
    assert life.balance == PAID


def test_a_create_that_no_server_confirms_fails_with_an_unknown_outcome(servers: Servers, database: Database) -> None:
    life = servers.begin(database)
    life.set("""lost_runs = '[{"provider": "local", "remote_id": "1"}, {"provider": "local", "remote_id": null}]'""")
    declared(life)
    life.set(f"lease_until = clock_timestamp() - interval '1 second', {GRACE_IS_OVER}")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.SUBMIT_OUTCOME_UNKNOWN
    assert life.balance == FREE


def test_cancelled_work_that_is_lost_is_cancelled_and_free(servers: Servers, database: Database) -> None:
    life = generating(servers, database)
    with database.transaction() as session:
        cancellation.request(
            session, life.id, customer_id=life.customer.id, rule_of=lambda _order, _route: CancelRule.FREE
        )
    servers.kill()
    assert life.go(until=TERMINAL) is Stage.CANCELLED
    assert life.balance == FREE
    assert life.accepted_creates() == 0


def test_a_run_that_waits_for_its_next_server_is_cancelled_at_once(servers: Servers, database: Database) -> None:
    life = generating(servers, database)
    servers.kill()
    life.go(until=frozenset({Stage.QUEUED}))
    with database.transaction() as session:
        cancellation.request(
            session, life.id, customer_id=life.customer.id, rule_of=lambda _order, _route: CancelRule.FREE
        )
    assert life.row.stage is Stage.CANCELLED
    assert (life.balance, settlements(life)) == (FREE, ["hold", "release"])


def test_the_deadline_ends_lost_work_too(servers: Servers, database: Database) -> None:
    life = generating(servers, database)
    servers.kill()
    life.go(until=frozenset({Stage.QUEUED}))
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert (life.row.error_code, life.balance) == (ErrorCode.TIMEOUT, FREE)


def test_a_server_that_answers_again_in_time_keeps_its_work(
    servers: Servers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers.worker.providers, "lost_after_seconds", lambda _name: 60.0)
    away = {"code": 503, "msg": "draining"}
    life = generating(servers, database, poll_error=away, poll_error_times=2, seconds=0)
    assert life.step() is Stage.GENERATING
    assert life.row.silent_since is not None
    life.go(until=TERMINAL)
    assert (life.row.stage, life.row.lost_runs) == (Stage.COMPLETED, [])
    assert life.row.silent_since is None


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_answer_is_no_silence(servers: Servers, database: Database, status: int) -> None:
    refused = {"code": status, "msg": "not now"}
    life = generating(servers, database, poll_error=refused, poll_error_times=1000)
    life.set("silent_since = clock_timestamp() - interval '1 hour', failures = 3")
    assert life.step() is Stage.GENERATING
    assert (life.row.silent_since, life.row.failures) == (None, 4)


def test_silence_before_an_answer_to_the_release_before_does_not_count(servers: Servers, database: Database) -> None:
    """A worker of that release sets `failures` to 0, and leaves `silent_since`."""
    life = generating(servers, database)
    servers.kill()
    life.set("silent_since = clock_timestamp() - interval '1 hour', failures = 0")
    assert life.step() is Stage.GENERATING
    assert life.row.failures == 1


def test_the_latest_start_holds_for_the_first_run(servers: Servers, database: Database) -> None:
    life = servers.begin(database, seconds=LONG, order={"start_within": 60})
    assert life.step() is Stage.GENERATING
    servers.kill()
    assert life.go(until=frozenset({Stage.QUEUED})) is Stage.QUEUED
    life.set("created_at = created_at - interval '1 hour'")
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.balance == PAID


def test_the_place_at_the_account_is_given_back_with_the_move(servers: Servers, database: Database) -> None:
    query = text("SELECT place FROM admissions WHERE generation_id = :id")
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO admission_accounts (provider, declared) VALUES ('gpu_1', '{\"in_flight\": 1}')")
        )
    servers.worker.gate.forget_view()
    life = generating(servers, database)

    def place() -> str | None:
        with database.transaction() as session:
            found: str | None = session.execute(query, {"id": life.id}).scalar_one_or_none()
            return found

    assert place() == "granted"
    servers.kill()
    assert life.go(until=frozenset({Stage.QUEUED})) is Stage.QUEUED
    assert place() is None, "the next run asks for a place as a new one"


def test_runs_that_only_waited_do_not_count(
    servers: Servers, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that another order brought down again and again loses its queue each time."""
    life = generating(servers, database)
    with monkeypatch.context() as patch:
        vendor = servers.worker.providers.get("gpu_1")
        patch.setattr(vendor, "poll", lambda _remote: RemoteState(RemoteStatus.LOST, has_begun=False))
        waited = [{"provider": "gpu_1", "remote_id": f"job-{number}", "began": False} for number in range(5)]
        life.set(f"lost_runs = '{json.dumps(waited)}'")
        assert life.step() is Stage.QUEUED
    assert [run["began"] for run in life.row.lost_runs] == [False] * 6
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.balance == PAID


@pytest.mark.parametrize("bills_nothing", [True, False])
def test_a_result_that_is_gone_fails_at_once_where_nothing_is_billed(
    servers: Servers, database: Database, monkeypatch: pytest.MonkeyPatch, bills_nothing: bool
) -> None:
    life = generating(servers, database, seconds=0)
    monkeypatch.setattr(servers.worker.providers, "bills_nothing", lambda _name: bills_nothing)
    assert life.go(until=frozenset({Stage.DOWNLOADING})) is Stage.DOWNLOADING
    (url,) = life.row.result_urls
    life.set(f"result_urls = '{json.dumps([url.replace('/file', '-gone/file')])}'")
    assert life.step() is (Stage.FAILED if bills_nothing else Stage.DOWNLOADING)
    if bills_nothing:
        assert (life.row.error_code, life.balance) == (ErrorCode.DOWNLOAD_FAILED, FREE)
        assert life.row.error_message == "the server no longer has the result"
