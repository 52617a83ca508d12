import math
import threading
import time
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from providers.adapters.kie.adapter import Kie
from providers.base import (
    AcceptedCreate,
    Cancellation,
    Fence,
    InputsRead,
    Provider,
    ProviderRequest,
    RemoteRef,
    RemoteState,
)
from schemas.enums import ErrorCode, EventName, Stage
from schemas.provider_errors import ProviderUnavailable
from schemas.stages import TERMINAL
from storage import callbacks
from storage.claims import Claim
from storage.leases import Lease
from storage.ledger import Balance
from storage.sql import of
from tasks import pipeline
from tasks.apply import apply
from tasks.outcomes import Advance
from tasks.send import accepted, send
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives, patient
from tests.support import eventually, some_claim

MAINTENANCE = {"code": 455, "msg": "maintenance"}
NO_CREDITS = {"code": 402, "msg": "insufficient credits"}
INVALID = {"code": 422, "msg": "the prompt is not allowed to be this"}


def test_accepted_create_stores_the_remote_id_and_waits(lives: Lives) -> None:
    life = lives.begin()
    assert life.step() is Stage.GENERATING
    (task,) = life.sandbox.tasks(life.word)
    assert life.row.remote_id == task.task_id
    assert life.row.lease_token is None
    assert task.call_back_url is not None
    assert str(life.id) in task.call_back_url


def test_vendor_without_callbacks_is_polled_before_the_safety_poll(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = lives.begin(seconds=3600)
    life.worker = patient(life.worker)
    monkeypatch.setattr(Kie, "profile", replace(Kie.profile, calls_back=False))
    for _ in range(2):
        assert life.step() is Stage.GENERATING
        row = life.row
        assert row.wake_at is not None
        assert row.stage_at is not None
        assert (row.wake_at - row.stage_at).total_seconds() < 300, "the safety poll is far away"
    (task,) = life.sandbox.tasks(life.word)
    assert task.call_back_url is None


def test_death_while_reading_inputs_leaves_an_unsent_order(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = lives.begin()

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("tasks.prepare.provider_request", die)
        with pytest.raises(SystemExit):
            life.step()
    assert life.row.stage is Stage.QUEUED
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_unreadable_input_fails_before_the_create(
    lives: Lives, worker: WorkerServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Kie, "reads_inputs", InputsRead.ALL)
    missing = f"{worker.settings.providers.named('kie').base_url}/nothing.png"
    life = lives.begin({"model": "nano-banana-pro", "image_urls": [missing]})
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.INPUT_UNREADABLE
    assert life.row.error_message == "image_urls.0 could not be read: the file's host answered HTTP 404"
    assert (life.accepted_creates(), life.balance) == (0, Balance(available=1000, held=0))


def test_unavailable_vendor_is_retried_and_then_given_up(lives: Lives) -> None:
    life = lives.begin(create_error=MAINTENANCE, create_error_times=100)
    assert [life.step(), life.step(), life.step()] == [Stage.QUEUED, Stage.QUEUED, Stage.FAILED]
    assert life.row.error_code is ErrorCode.PROVIDER_UNAVAILABLE
    assert life.balance == Balance(available=1000, held=0)
    assert life.accepted_creates() == 0


def test_next_route_is_tried_before_the_generation_fails(lives: Lives) -> None:
    life = lives.begin(routes=2, create_error=MAINTENANCE, create_error_times=3)
    assert [life.step(), life.step(), life.step()] == [Stage.QUEUED] * 3
    assert (life.row.route_index, life.row.failures) == (1, 0)
    assert life.step() is Stage.GENERATING


def test_empty_account_at_the_vendor_moves_to_the_next_route(lives: Lives) -> None:
    life = lives.begin(routes=2, create_error=NO_CREDITS)
    assert life.step() is Stage.QUEUED
    assert life.row.route_index == 1


def test_rejected_request_fails_at_once_and_releases_the_hold(lives: Lives) -> None:
    life = lives.begin(create_error=INVALID)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.PROVIDER_REJECTED
    assert life.balance == Balance(available=1000, held=0)


def test_lost_reply_never_causes_a_second_create(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    assert life.step() is Stage.SUBMITTING
    assert life.step() is Stage.SUBMITTING, "still within the grace period"
    life.set("stage_at = stage_at - interval '1 hour'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.SUBMIT_OUTCOME_UNKNOWN
    assert life.accepted_creates() == 1
    assert life.balance == Balance(available=1000, held=0)


def test_grace_period_begins_when_the_outcome_becomes_unknown(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    sender = declared(life)
    # Imitate a create that takes longer than the grace period.
    life.set("stage_at = stage_at - interval '5 minutes'")
    send_under(life, sender, Lease(life.id, until=math.inf))
    assert life.step() is Stage.SUBMITTING


def test_slow_create_is_kept_for_as_long_as_it_can_take(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    monkeypatch.setattr(life.worker.providers, "create_seconds", lambda _name: 300.0)
    life.set("stage_at = clock_timestamp() - interval '200 seconds'")
    assert life.step() is Stage.SUBMITTING
    life.set("stage_at = clock_timestamp() - interval '301 seconds'")
    assert life.step() is Stage.FAILED


class _IsAway:
    """A provider whose look-up does not answer."""

    reads_inputs = InputsRead.NONE

    def look_up(self, generation_id: object) -> None:
        raise ProviderUnavailable("nobody answers")


def test_unknown_create_is_kept_while_its_provider_does_not_answer(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    life.set("stage_at = stage_at - interval '5 minutes'")
    with monkeypatch.context() as patched:
        patched.setattr(life.worker.providers, "get", lambda _name: _IsAway())
        assert life.step() is Stage.SUBMITTING
    assert life.step() is Stage.FAILED


def test_unreadable_reply_is_an_unknown_outcome(lives: Lives) -> None:
    life = lives.begin(create_reply="garbage")
    assert life.step() is Stage.SUBMITTING
    assert life.accepted_creates() == 1


def test_callback_resolves_a_lost_reply(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    (task,) = life.sandbox.tasks(life.word)
    with life.database.transaction() as session:
        recorded = callbacks.record(of(session), "kie", life.id, remote_id=task.task_id, body=b"{}", resend_after=10)
    wake = recorded.wake
    assert wake is not None
    assert wake.stage is Stage.SUBMITTING
    pipeline.run(patient(life.worker), str(life.id), life.row.attempt, {Stage.SUBMITTING})
    row = life.row
    assert (row.stage, row.remote_id) == (Stage.GENERATING, task.task_id)
    assert row.wake_at is not None
    assert row.stage_at is not None
    assert row.wake_at - row.stage_at < timedelta(minutes=1), "the work may be finished: not at the next safety poll"
    assert life.go(until=frozenset({Stage.COMPLETED})) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_remote_id_of_the_reply_wins_over_the_callbacks(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    (task,) = life.sandbox.tasks(life.word)
    # Imitate a worker that reads the reply after it has lost its lease.
    life.set(f"remote_id = '{task.task_id}'")
    with life.database.transaction() as session:
        callbacks.record(of(session), "kie", life.id, remote_id="another", body=b"{}", resend_after=10)
    assert life.step() is Stage.GENERATING
    assert life.row.remote_id == task.task_id


def test_death_during_the_create_causes_no_second_create(lives: Lives) -> None:
    life = lives.begin()
    life.step()
    # Imitate a worker that dies after the vendor accepts and before the commit.
    life.set(
        "stage = 'submitting', remote_id = NULL, lease_token = gen_random_uuid(), "
        "lease_until = clock_timestamp() - interval '1 second'"
    )
    assert life.step() is Stage.SUBMITTING
    life.set("stage_at = stage_at - interval '1 hour'")
    assert life.step() is Stage.FAILED
    assert life.accepted_creates() == 1


@pytest.mark.slow
def test_sender_without_its_lease_still_records_the_remote_id(lives: Lives) -> None:
    life = lives.begin(create_latency_seconds=15)
    submitting = threading.Thread(target=life.step)
    submitting.start()
    eventually(lambda: life.row.stage, lambda stage: stage is Stage.SUBMITTING)
    life.set("lease_token = gen_random_uuid()")
    submitting.join()
    assert life.row.stage is Stage.SUBMITTING
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.GENERATING
    (task,) = life.sandbox.tasks(life.word)
    assert life.row.remote_id == task.task_id


LINKS = {"status": "https://vendor.example/requests/1/status"}


class _TellsLinks:
    """A provider that returns links to the work with the id."""

    reads_inputs = InputsRead.NONE

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.asked: list[RemoteRef] = []

    def submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        accepted = self._provider.submit(request, callback_url=callback_url, generation_id=generation_id, fence=fence)
        return AcceptedCreate(accepted.remote_id, LINKS)

    def poll(self, remote: RemoteRef) -> RemoteState:
        self.asked.append(remote)
        return self._provider.poll(remote)


@pytest.mark.parametrize("loses_its_lease", [False, True])
def test_links_of_an_accepted_create_are_used_for_polls_and_stay_private(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, loses_its_lease: bool
) -> None:
    life = lives.begin()
    vendor = _TellsLinks(life.worker.providers.get("kie"))
    monkeypatch.setattr(life.worker.providers, "get", lambda _name: vendor)
    sender = declared(life)
    if loses_its_lease:
        life.set("lease_token = gen_random_uuid()")
    with capture_logs() as lines:
        send_under(life, sender, Lease(life.id, until=math.inf))
        life.go(until=frozenset({Stage.GENERATING}))
        life.step()
    row = life.row
    assert row.remote_links == LINKS
    assert {(remote.remote_id, *remote.links.items()) for remote in vendor.asked} == {(row.remote_id, *LINKS.items())}
    told = repr(lines) + repr(vendor.asked) + repr([event.data for event in life.events])
    assert "vendor.example" not in told


def test_vendor_with_links_is_polled_at_its_links(lives: Lives) -> None:
    delivered = {"width": 64, "height": 64, "duration_seconds": 1}
    life = lives.begin({"model": "pika-2.2-text-to-video"}, delivered=delivered)
    assert life.step() is Stage.GENERATING
    row = life.row
    link = f"{life.settings.providers.named('fal').base_url}/fal-ai/pika/requests/{row.remote_id}"
    assert row.remote_links == {"status": f"{link}/status", "response": link, "cancel": f"{link}/cancel"}
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_unknown_outcome_at_the_deadline_fails_with_submit_outcome_unknown(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    life.set("deadline_at = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.SUBMIT_OUTCOME_UNKNOWN


def test_worker_paused_past_its_lease_sends_no_create(lives: Lives) -> None:
    life = lives.begin()
    pipeline.go_on(life.worker, life.claim(), _ran_out(life))
    assert life.accepted_creates() == 0
    assert life.row.stage is Stage.QUEUED
    assert [event.name for event in life.events][-1] is EventName.SUBMIT_WITHDRAWN
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_withdrawn_create_of_a_paused_worker_is_queued_again(lives: Lives) -> None:
    life = lives.begin()
    sender = declared(life)
    life.set("lease_until = clock_timestamp() - interval '1 second'")
    assert life.step() is Stage.SUBMITTING, "for all that this worker can know, it was sent"
    send_under(life, sender, _ran_out(life))
    assert life.row.stage is Stage.QUEUED
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_withdrawal_does_not_queue_another_workers_create(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    sender = declared(life)
    life.set("stage = 'queued', submission = NULL, lease_token = NULL, lease_until = NULL")
    assert life.step() is Stage.SUBMITTING, "it was sent, and the reply was lost"
    send_under(life, sender, _ran_out(life))
    assert life.row.stage is Stage.SUBMITTING
    assert life.accepted_creates() == 1


def test_withdrawal_after_the_end_changes_nothing(lives: Lives) -> None:
    life = lives.begin()
    sender = declared(life)
    life.set("lease_until = clock_timestamp() - interval '1 second', stage_at = stage_at - interval '1 hour'")
    assert life.step() is Stage.FAILED
    send_under(life, sender, _ran_out(life))
    assert life.row.stage is Stage.FAILED
    assert life.accepted_creates() == 0


def test_create_accepted_after_the_end_is_noted_on_the_timeline(lives: Lives) -> None:
    life = lives.begin()
    sender = declared(life)
    life.set("lease_until = clock_timestamp() - interval '1 second', stage_at = stage_at - interval '1 hour'")
    assert life.step() is Stage.FAILED
    apply(life.worker, sender, accepted(life.worker, sender, AcceptedCreate("remote-1")))
    assert life.row.remote_id is None
    late, asked = life.events[-2:]
    assert (late.name, late.stage, late.data["remote_id"]) == (EventName.SUBMIT_LATE, Stage.FAILED, "remote-1")
    assert (asked.name, asked.data["answer"]) == (EventName.CANCEL_SENT, Cancellation.IMPOSSIBLE)
    assert life.balance == Balance(available=1000, held=0)


class _Broken:
    """A provider that raises an unexpected error, before or after the create leaves."""

    reads_inputs = InputsRead.NONE

    def __init__(self, *, leaves: bool) -> None:
        self._leaves = leaves

    def submit(self, request: object, *, callback_url: object, generation_id: object, fence: Fence) -> None:
        if self._leaves:
            fence()
        raise RuntimeError("a bug of an adapter")

    def look_up(self, generation_id: object) -> None:
        return None


@pytest.mark.parametrize(("leaves", "expected"), [(True, Stage.SUBMITTING), (False, Stage.QUEUED)])
def test_crash_in_an_adapter_repeats_only_creates_that_never_left(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, leaves: bool, expected: Stage
) -> None:
    life = lives.begin()
    monkeypatch.setattr(life.worker.providers, "get", lambda _name: _Broken(leaves=leaves))
    assert life.step() is expected
    if not leaves:
        assert [life.step(), life.step()] == [Stage.QUEUED, Stage.FAILED]
        assert life.row.error_code is ErrorCode.INTERNAL


def test_pauses_between_look_ups_of_an_unknown_create_grow(lives: Lives) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    for waited, gap in ((0, 2), (1, 2), (5, 5), (20, 20), (60, 60), (100, 20)):
        began = time.monotonic()
        life.set(f"stage_at = clock_timestamp() - interval '{waited} seconds'")
        life.step()
        took = time.monotonic() - began
        row = life.row
        assert row.wake_at is not None
        assert row.claimed_at is not None
        assert (row.wake_at - row.claimed_at).total_seconds() == pytest.approx(gap, abs=1 + 2 * took), waited


class _TellsWhileItIsAsked:
    """A provider whose callback comes at the moment when its generation is given up."""

    reads_inputs = InputsRead.NONE

    def __init__(self, life: Life) -> None:
        self._life = life

    def look_up(self, generation_id: object) -> None:
        life = self._life
        (task,) = life.sandbox.tasks(life.word)
        with life.database.transaction() as session:
            callbacks.record(of(session), "kie", life.id, remote_id=task.task_id, body=b"{}", resend_after=10)


def test_callback_prevents_giving_up_an_unknown_create(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    life = lives.begin(create_reply="drop")
    life.step()
    life.set("stage_at = stage_at - interval '1 hour'")
    with monkeypatch.context() as patched:
        patched.setattr(life.worker.providers, "get", lambda _name: _TellsWhileItIsAsked(life))
        assert life.step() is Stage.SUBMITTING
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def test_refusal_after_the_lease_is_lost_queues_the_generation(lives: Lives) -> None:
    life = lives.begin(create_error=MAINTENANCE, create_error_times=1)
    sender = declared(life)
    life.set("lease_token = gen_random_uuid()")
    send_under(life, sender, Lease(life.id, until=math.inf))
    assert life.row.stage is Stage.QUEUED
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert life.accepted_creates() == 1


def request_of(claim: Claim) -> ProviderRequest:
    """The request for the claim's provider."""
    return ProviderRequest(claim.route.model, claim.order.inputs)


def declared(life: Life) -> Claim:
    """The claim of a worker that has committed the intent and not yet sent the create."""
    return some_claim(apply(life.worker, life.claim(), Advance(Stage.SUBMITTING), keeps_lease=True))


def send_under(life: Life, sender: Claim, lease: Lease) -> None:
    """Send the create under that claim, and write the outcome."""
    apply(life.worker, sender, send(life.worker, sender, lease, request_of(sender)))


def _ran_out(life: Life) -> Lease:
    return Lease(life.id, until=time.monotonic() - 1)
