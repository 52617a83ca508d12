"""The faults, one for each alert or for a few of them.

Most are caused for real: a process is killed, a service is away, a vendor misbehaves. A fault with `writes_rows` is a
bug of ours, so the test writes the rows that such a bug leaves. `rules.LOWER` has the alerts with another threshold.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import psutil
from redis import Redis

from drills.chaos.checks.witness import Witness
from sandbox.scenarios import ErrorReply, Match, Scenario
from tests.e2e.alerts.conftest import Watched
from tests.e2e.alerts.load import FLUX, FOR_LONG, KLING, PIKA, SMALL, VIDEO, end_one
from tests.e2e.conftest import worker_processes
from tests.support import eventually
from tests.webhook_receiver import HANG

Cause = Callable[[Watched], Iterator[None]]
"""Causes a fault, yields once, and mends the fault."""


# More than the threshold of lost leases.
_MANY: Final = 3


@dataclass(frozen=True)
class Fault:
    """A fault, and what people see of it."""

    name: str
    """The fault in words."""
    alerts: Sequence[str]
    """The alerts that fire."""
    cause: Cause
    """Causes and mends the fault."""
    writes_rows: bool = False
    """Whether the test writes what a bug of ours would leave, because nothing from outside causes it."""
    queries: Sequence[str] = ()
    """The queries of panels that have data in this fault only."""

    @contextmanager
    def caused(self, watched: Watched) -> Iterator[None]:
        """Cause the fault, and mend the fault after the block."""
        steps = self.cause(watched)
        next(steps)
        try:
            yield
        finally:
            next(steps, None)


def media_workers_are_killed(watched: Watched) -> Iterator[None]:
    """Kill the supervisor of a role and its worker."""
    watched.stack.kill("worker-media")
    yield
    watched.stack.start("worker-media")


def notify_is_killed(watched: Watched) -> Iterator[None]:
    """Kill the process that reads the figures."""
    watched.stack.kill("worker-notify")
    yield
    watched.stack.start("worker-notify")


def a_worker_is_paused_beyond_its_leases(watched: Watched) -> Iterator[None]:
    """Stop one of the two processes for downloads until the other one has its claims, and let it go on."""
    # The file has more than 1 kB: a download takes 20 s and more. All begin when the work ends.
    word = watched.system.behave(seconds=FOR_LONG, bytes_per_second=50, delivered={"width": 64, "height": 64})
    orders = [watched.submit(word) for _ in range(12)]
    watched.until_in("generating", *orders)
    watched.system.sandbox.finish(word)
    with closing(Witness(watched.stack.settings)) as witness:
        paused = eventually(lambda: _holder_of_many(watched, witness), lambda found: found is not None)
        assert paused is not None
        paused.suspend()
        try:
            eventually(lambda: witness.held_by([paused.pid]), lambda held: not held)
        finally:
            paused.resume()
    yield
    watched.ended(*orders)


def a_row_cannot_be_read(watched: Watched) -> Iterator[None]:
    """Take the routes out of an order that waits for its start."""
    order = _scheduled(watched, seconds=2)
    rename = """
        UPDATE generations SET "order" = "order" - CAST(:old AS text)
            || jsonb_build_object(CAST(:new AS text), "order" -> CAST(:old AS text))
        WHERE id = :id
    """
    watched.write(rename, old="routes", new="kept", id=order)
    yield
    watched.write(rename, old="kept", new="routes", id=order)
    watched.ended(order)


def the_waker_does_not_run(watched: Watched) -> Iterator[None]:
    """Stop beat, and order for a start in a moment: only the waker starts such an order."""
    watched.stack.stop("beat")
    order = _scheduled(watched, seconds=1)
    yield
    watched.stack.start("beat")
    watched.ended(order)


def the_object_store_is_down(watched: Watched) -> Iterator[None]:
    """Stop the object store. Orders stay where their bytes should be stored, and files are answered with 503."""
    (stored,) = watched.order()
    watched.ended(stored)
    watched.stack.kill("s3")
    orders = watched.order(count=2)
    for _ in range(3):
        answer = watched.system.http.get(f"/v1/generations/{stored}/content", headers=watched.customer.headers)
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    yield
    watched.stack.start("s3")
    watched.ended(*orders)


def the_makers_of_variants_are_killed(watched: Watched) -> Iterator[None]:
    """Kill the workers that make variants, and order some. The workers for downloads store the small results."""
    watched.stack.kill("worker-media")
    word = watched.system.behave()
    orders = [watched.submit(word, variants=[{"name": "copy", "kind": "copy", "width": 16}]) for _ in range(3)]
    yield
    watched.stack.start("worker-media")
    watched.ended(*orders)


def a_provider_makes_nothing(watched: Watched) -> Iterator[None]:
    """Orders end without a result."""
    watched.ended(*watched.order(count=4, outcome="fail"))
    yield


def redis_is_down(watched: Watched) -> Iterator[None]:
    """Kill Redis. Orders are accepted, their wake-ups are not sent, and the stream stands still."""
    watched.stack.kill("redis")
    orders = watched.order(count=3)
    yield
    watched.stack.start("redis")
    watched.ended(*orders)


def downloads_have_no_worker(watched: Watched) -> Iterator[None]:
    """Stop the workers for downloads. Their queue fills."""
    watched.stack.stop("worker-transfer")
    orders = watched.order(count=8)
    yield
    watched.stack.start("worker-transfer")
    watched.ended(*orders)


def a_provider_is_away(watched: Watched) -> Iterator[None]:
    """A vendor answers every create with 503."""
    word = watched.system.behave()
    away = Scenario(
        match=Match(prompt_contains=word),
        create_error=ErrorReply(code=503, msg="away", http_status=503),
        create_error_times=10_000,
    )
    with watched.system.sandbox.scenario(away):
        orders = [watched.submit(word, model=FLUX) for _ in range(10)]
        yield
    watched.ended(*orders)


def the_key_is_refused(watched: Watched) -> Iterator[None]:
    """A vendor refuses our key, once."""
    refused = ErrorReply(code=401, msg="unauthorized")
    watched.ended(*watched.order(create_error=refused, create_error_times=1))
    yield


def callbacks_are_lost(watched: Watched) -> Iterator[None]:
    """A vendor calls back, and nothing arrives."""
    watched.ended(*watched.order(count=4, callback="lost"))
    yield


def callbacks_have_wrong_signatures(watched: Watched) -> Iterator[None]:
    """A vendor signs with another key."""
    word = watched.system.behave(seconds=FOR_LONG)
    order = watched.submit(word)
    watched.until_in("generating", order)
    task = watched.system.task(word)
    for _ in range(20):
        watched.system.sandbox.send_callback(task.task_id, signed="wrong")
    yield
    end_one(watched, word, of=1)
    watched.ended(order)


def an_account_is_out_of_money(watched: Watched) -> Iterator[None]:
    """A vendor refuses a create because our account is empty. The account takes nothing for five minutes."""
    empty = ErrorReply(code=1102, msg="resource pack used up")
    order = watched.submit(watched.system.behave(create_error=empty, delivered=SMALL), model=KLING, **VIDEO)
    yield
    # Somebody paid. The next create would find out after the five minutes.
    watched.write("UPDATE admission_accounts SET closed_until = clock_timestamp() WHERE provider = 'kling'")
    watched.ended(order)


def an_account_is_full(watched: Watched) -> Iterator[None]:
    """One order takes the only place of an account, and another one waits."""
    word = watched.system.behave(seconds=FOR_LONG, delivered=SMALL)
    orders = [watched.submit(word, model=PIKA, **VIDEO) for _ in range(2)]
    yield
    for count in (1, 2):
        end_one(watched, word, of=count)
    watched.ended(*orders)


def held_credits_are_wrong(watched: Watched) -> Iterator[None]:
    """Add a credit to what a customer has on hold."""
    change = """UPDATE ledger_accounts SET balance = balance + :by WHERE kind = 'held' AND customer_id = :customer"""
    watched.write(change, by=1, customer=watched.customer.id)
    yield
    watched.write(change, by=-1, customer=watched.customer.id)


def the_redis_door_is_closed(watched: Watched) -> Iterator[None]:
    """Stop the process that serves the Redis door, and send requests."""
    watched.stack.stop("worker-requests")
    with Redis.from_url(watched.stack.settings.redis_url) as redis:
        for number in range(8):
            envelope = {"operation": "generation.get", "id": f"request-{number}", "arguments": {}}
            redis.lpush("requests", json.dumps(envelope))
    yield
    watched.stack.start("worker-requests")


def a_message_is_poison(watched: Watched) -> Iterator[None]:
    """Send bytes to the Redis door that are no message."""
    with Redis.from_url(watched.stack.settings.redis_url) as redis:
        redis.lpush("requests", b"no JSON")
    yield


def an_endpoint_hangs(watched: Watched) -> Iterator[None]:
    """A customer's endpoint takes messages and does not answer. One is tried at a time, so others are due."""
    usual = watched.receiver.answer
    watched.receiver.answer = lambda message: HANG if message.path == "/hangs" else usual(message)
    word = watched.system.behave()
    watched.ended(*[watched.submit(word, callback_url=f"{watched.receiver.url}/hangs") for _ in range(3)])
    yield
    watched.receiver.answer = usual


FAULTS: Final = (
    Fault("a role is killed", ["ReelworksProcessDown", "ReelworksRoleMissing"], media_workers_are_killed),
    Fault("the reader of figures is killed", ["ReelworksFiguresMissing"], notify_is_killed),
    Fault("a worker is paused", ["ReelworksLeasesLost"], a_worker_is_paused_beyond_its_leases),
    Fault("a row cannot be read", ["ReelworksStepsCrash"], a_row_cannot_be_read, writes_rows=True),
    Fault("the waker does not run", ["ReelworksNobodyTakesWork"], the_waker_does_not_run),
    Fault("the object store is down", ["ReelworksStuck", "ReelworksGatewayErrors"], the_object_store_is_down),
    Fault("the makers of variants are killed", ["ReelworksVariantsLate"], the_makers_of_variants_are_killed),
    Fault("a provider makes nothing", ["ReelworksFailures"], a_provider_makes_nothing),
    Fault("Redis is down", ["ReelworksWakesNotSent", "ReelworksStreamLate"], redis_is_down),
    Fault("a queue has no worker", ["ReelworksQueueFull"], downloads_have_no_worker),
    Fault(
        "a provider is away",
        ["ReelworksProviderFails", "ReelworksRouteOpen"],
        a_provider_is_away,
        queries=["sum by (provider) (reelworks_routes_open)", "sum by (held_by) (reelworks_admissions_held)"],
    ),
    Fault("our key is refused", ["ReelworksOurAccountRefused"], the_key_is_refused),
    Fault("callbacks are lost", ["ReelworksCallbacksMissing"], callbacks_are_lost),
    Fault("callbacks have wrong signatures", ["ReelworksCallbacksRefused"], callbacks_have_wrong_signatures),
    Fault("an account is out of money", ["ReelworksAccountClosed"], an_account_is_out_of_money),
    Fault("an account is full", ["ReelworksWaitsForAccount"], an_account_is_full),
    Fault("held credits are wrong", ["ReelworksLedgerWrong"], held_credits_are_wrong, writes_rows=True),
    Fault("the Redis door is closed", ["ReelworksRequestsWait"], the_redis_door_is_closed),
    Fault("a message is poison", ["ReelworksDeadMessages"], a_message_is_poison),
    Fault("an endpoint hangs", ["ReelworksWebhooksLate"], an_endpoint_hangs),
)
"""Every fault, in the order in which they are caused. Alerts of earlier faults may still fire."""


def queries_of_faults() -> list[str]:
    """The queries of panels that have data in a fault only."""
    return [query for fault in FAULTS for query in fault.queries]


def _scheduled(watched: Watched, *, seconds: float) -> str:
    """Order for a start in a moment."""
    start = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    return watched.submit(watched.system.behave(), not_before=start)


def _holder_of_many(watched: Watched, witness: Witness) -> psutil.Process | None:
    """The process for downloads that holds more claims than the threshold. None: there is none yet."""
    workers = worker_processes(watched.stack, "transfer")
    return next((worker for worker in workers if len(witness.held_by([worker.pid])) > _MANY), None)
