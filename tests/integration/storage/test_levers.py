"""Each lever on a generation in each stage: the effect, the money, the timeline and the history of changes."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from uuid import UUID

import pytest
from sqlmodel import select

from schemas.admission_tables import AdmissionChange
from schemas.causes import Cause
from schemas.enums import CancelRule, ErrorCode, EventName, Stage
from schemas.errors import InvalidRequest, LeaseLost
from schemas.levers import Lever, Selection
from schemas.settings import Settings
from schemas.stages import TERMINAL
from schemas.tables import Event, Generation
from storage import callbacks, claims, ledger, transitions
from storage.database import Database
from storage.ledger import Balance
from storage.levers import bounding, counting, running
from storage.levers.acting import Acted, Means, Run, act
from storage.objects import ObjectStore
from storage.sql import of
from storage.webhooks import endpoints
from tests.integration.gateway import finishing
from tests.integration.levers import WAY, Levers, tally
from tests.support import NewCustomer, a_generation, new_customer, some_claim, until_sessions_wait

PRICE = 10
GRANTED = 1000


@pytest.fixture
def levers(database: Database, settings: Settings, objects: ObjectStore) -> Levers:
    return Levers(database, settings, objects)


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, GRANTED)


@pytest.fixture
def each(levers: Levers, customer: NewCustomer) -> dict[Stage, UUID]:
    """A generation in each stage. All messages about them were given up, and each has a stored callback."""
    with levers.database.transaction() as session:
        endpoints.create(
            session, customer.id, "https://shop.example/hooks", types=["generation.completed", "generation.failed"]
        )
    made = {stage: levers.make(customer, stage) for stage in Stage}
    with levers.database.statements() as sql:
        for one in made.values():
            callbacks.record(sql, "kie", one, remote_id=f"task {one}", body=b"done", resend_after=3600)
        sql.run("UPDATE webhook_deliveries SET state = 'failed', ended_at = now()")
        sql.run("UPDATE generations SET failures = 3, wake_at = now() + interval '1 hour' WHERE wake_at IS NOT NULL")
    return made


def of_customer(customer: NewCustomer, **conditions: object) -> Selection:
    return Selection.model_validate({"customer_id": [customer.id], **conditions})


def columns(levers: Levers, each: Mapping[Stage, UUID]) -> dict[Stage, dict[str, object]]:
    return {stage: row.model_dump() for stage, row in levers.rows(each).items()}


EFFECTS: dict[Lever, Mapping[Stage, str]] = {
    Lever.RETRY: dict.fromkeys(WAY, "woken") | {Stage.FAILED: "ordered"},
    Lever.FAIL: dict.fromkeys(WAY[1:-1], "asked") | {Stage.QUEUED: "ended"},
    Lever.CANCEL: {Stage.QUEUED: "ended", Stage.SUBMITTING: "asked", Stage.GENERATING: "not_cancellable"},
    Lever.REFUND: {Stage.COMPLETED: "refunded"},
    # The endpoint hears of completed and failed ones.
    Lever.REDELIVER: {Stage.COMPLETED: "sent", Stage.FAILED: "sent"},
    Lever.REPLAY: {Stage.SUBMITTING: "replayed", Stage.GENERATING: "replayed"},
}

# Of 1000 credits: six unfinished generations hold 60, and a completed one has cost 10.
HELD = 6 * PRICE
MONEY = {
    Lever.RETRY: Balance(GRANTED - HELD - PRICE - 4, HELD + 4),
    Lever.FAIL: Balance(GRANTED - HELD, HELD - PRICE),
    Lever.CANCEL: Balance(GRANTED - HELD, HELD - PRICE),
    Lever.REFUND: Balance(GRANTED - HELD, HELD),
    Lever.REDELIVER: Balance(GRANTED - HELD - PRICE, HELD),
    Lever.REPLAY: Balance(GRANTED - HELD - PRICE, HELD),
}


@pytest.mark.parametrize("lever", Lever)
def test_each_lever_acts_on_its_stages_and_leaves_the_others(
    levers: Levers, customer: NewCustomer, each: dict[Stage, UUID], lever: Lever
) -> None:
    before, selection = columns(levers, each), of_customer(customer)

    counted = levers.count(lever, selection)
    assert columns(levers, each) == before, "a count changes nothing"
    effects = levers.pull(lever, selection)

    expected = EFFECTS[lever]
    assert {stage: effects[one] for stage, one in each.items() if one in effects} == expected
    assert (counted.selected, counted.count) == (len(Stage), len(expected))
    assert {group.stage for group in counted.groups if group.count} == set(expected)
    assert levers.balance(customer) == MONEY[lever]
    after = columns(levers, each)
    touched = {stage for stage, word in expected.items() if word != "not_cancellable"}
    assert {stage: after[stage] for stage in set(Stage) - touched} == {
        stage: before[stage] for stage in set(Stage) - touched
    }
    assert levers.breaches() == []
    one_change_is_in_every_timeline(levers, customer, lever, effects)


def one_change_is_in_every_timeline(
    levers: Levers, customer: NewCustomer, lever: Lever, effects: Mapping[UUID, str]
) -> None:
    with levers.database.transaction() as session:
        (change,) = session.exec(select(AdmissionChange)).all()
        noted = session.exec(select(Event).where(Event.name == EventName.OPERATOR_ACTED)).all()
    assert (change.author, change.action, change.scope, change.reason) == ("ops@host", lever, "generations", "a test")
    assert change.name == f"customer_id={customer.id}"
    told = {word: count for word, count in tally(effects).items() if word != "not_cancellable"}
    assert change.after is not None
    assert {word: count for word, count in change.after.items() if not word.startswith("refused")} == told
    assert (change.before or {})["count"] == len(effects)
    assert {event.data["change"] for event in noted} == {str(change.id)}
    assert {event.generation_id for event in noted} >= {
        one for one, word in effects.items() if word != "not_cancellable"
    }


@pytest.mark.parametrize("lever", [Lever.FAIL, Lever.CANCEL, Lever.REFUND, Lever.REDELIVER])
def test_a_second_run_finds_nothing_left_to_do(
    levers: Levers, customer: NewCustomer, each: dict[Stage, UUID], lever: Lever
) -> None:
    levers.pull(lever, of_customer(customer))
    money = levers.balance(customer)
    again = levers.pull(lever, of_customer(customer))
    assert set(again.values()) <= {"not_cancellable"}
    assert levers.balance(customer) == money


def test_a_failed_generation_is_ordered_again_once(
    levers: Levers, customer: NewCustomer, each: dict[Stage, UUID]
) -> None:
    failed = Selection(id=[each[Stage.FAILED]])
    assert tally(levers.pull(Lever.RETRY, failed)) == {"ordered": 1}
    assert levers.count(Lever.RETRY, failed).count == 0
    assert levers.pull(Lever.RETRY, failed) == {}
    with levers.database.transaction() as session:
        again = session.exec(select(Generation).where(Generation.credits == 4)).one()
        assert (again.stage, again.customer_id) == (Stage.QUEUED, customer.id)


def test_a_create_of_unknown_outcome_is_ordered_again_only_by_name(levers: Levers, customer: NewCustomer) -> None:
    unknown = levers.make(customer, Stage.SUBMITTING)
    finishing.fail(levers.database, levers.settings, unknown, ErrorCode.SUBMIT_OUTCOME_UNKNOWN, "no answer")
    known = levers.make(customer, Stage.FAILED)
    broad = of_customer(customer, status=["failed"])
    assert (levers.count(Lever.RETRY, broad).count, levers.count(Lever.RETRY, broad).may_be_at_vendor) == (1, 0)
    assert levers.pull(Lever.RETRY, broad) == {known: "ordered"}
    caused = of_customer(customer, cause=["provider_fault"])
    assert levers.count(Lever.RETRY, caused).count == 0
    for named in (Selection(id=[unknown]), of_customer(customer, error_code=["submit_outcome_unknown"])):
        counted = levers.count(Lever.RETRY, named)
        assert (counted.count, counted.may_be_at_vendor) == (1, 1)
    assert levers.pull(Lever.RETRY, named) == {unknown: "ordered"}


@pytest.mark.parametrize("lever", [Lever.RETRY, Lever.FAIL, Lever.CANCEL])
def test_count_tells_the_creates_that_may_have_left(levers: Levers, each: dict[Stage, UUID], lever: Lever) -> None:
    counted = levers.count(lever, Selection(all=True))
    assert [group.stage for group in counted.groups if group.may_be_at_vendor] == [Stage.SUBMITTING]
    assert counted.may_be_at_vendor == 1


def test_a_retry_without_credits_is_refused_and_the_others_go_on(levers: Levers) -> None:
    poor, rich = new_customer(levers.database, PRICE), new_customer(levers.database, GRANTED)
    ids = [levers.make(one, Stage.FAILED) for one in (poor, rich)]
    a_generation(levers.database, levers.settings, poor)
    effects = levers.pull(Lever.RETRY, Selection(id=ids))
    assert effects == {ids[0]: "insufficient_credits", ids[1]: "ordered"}
    with levers.database.transaction() as session:
        (change,) = session.exec(select(AdmissionChange)).all()
    assert change.after == {"ordered": 1, "refused: insufficient_credits": 1}


def test_a_woken_generation_is_due_and_forgets_its_failures(levers: Levers, each: dict[Stage, UUID]) -> None:
    levers.pull(Lever.RETRY, Selection(all=True))
    with levers.database.statement() as sql:
        now = counting.now(sql)
    woken = [row for stage, row in levers.rows(each).items() if stage in WAY]
    assert [(row.failures, row.wake_at is not None and row.wake_at <= now) for row in woken] == [(0, True)] * len(WAY)


@pytest.mark.parametrize("lever", [Lever.RETRY, Lever.FAIL, Lever.REPLAY])
def test_a_worker_that_has_the_claim_is_not_disturbed(
    levers: Levers, customer: NewCustomer, each: dict[Stage, UUID], lever: Lever
) -> None:
    generation_id = each[Stage.GENERATING]
    held = finishing.claim(levers.database, levers.settings, generation_id)
    (word,) = levers.pull(lever, Selection(id=[generation_id])).values()
    assert word == {Lever.RETRY: "claimed", Lever.FAIL: "asked", Lever.REPLAY: "replayed"}[lever]
    row = levers.rows({Stage.GENERATING: generation_id})[Stage.GENERATING]
    assert (row.lease_token, row.wake_at) == (held.token, held.generation.wake_at)
    with levers.database.statements() as sql:
        # The worker's own write makes the row due, if there is news.
        given_up = transitions.put_back(sql, held, wake_in=300).generation
    wake_at, claimed_at = given_up.wake_at, given_up.claimed_at
    assert wake_at is not None
    assert ((wake_at - claimed_at).total_seconds() < 200) == (lever is not Lever.RETRY)


def test_a_claimed_queued_generation_that_fails_sends_no_create(levers: Levers, customer: NewCustomer) -> None:
    generation_id = a_generation(levers.database, levers.settings, customer)
    held = finishing.claim(levers.database, levers.settings, generation_id)
    assert levers.pull(Lever.FAIL, Selection(id=[generation_id])) == {generation_id: "ended"}
    with pytest.raises(LeaseLost), levers.database.statements() as sql:
        transitions.move(sql, held, Stage.SUBMITTING, wake_in=0)
    assert levers.balance(customer) == Balance(GRANTED, 0)


def test_two_operators_act_on_each_generation_once(levers: Levers, customer: NewCustomer) -> None:
    ids = [levers.make(customer, Stage.COMPLETED) for _ in range(4)]
    failed = [levers.make(customer, Stage.FAILED) for _ in range(4)]
    for lever, wanted, word in ((Lever.REFUND, ids, "refunded"), (Lever.RETRY, failed, "ordered")):
        with ThreadPoolExecutor(2) as operators:
            runs = [operators.submit(levers.pull, lever, Selection(id=wanted)) for _ in range(2)]
            effects = [run.result() for run in runs]
        done = [one for effect in effects for one, its_word in effect.items() if its_word == word]
        assert sorted(done) == sorted(wanted)
    assert levers.balance(customer) == Balance(GRANTED - 4 * 4, 4 * 4)
    assert levers.breaches() == []


def test_an_operator_who_waits_for_another_refunds_nothing_twice(levers: Levers, customer: NewCustomer) -> None:
    generation_id = levers.make(customer, Stage.COMPLETED)
    selection = Selection(id=[generation_id])
    with ThreadPoolExecutor(1) as other:
        with levers.database.transaction() as session:
            session.get_one(Generation, generation_id, with_for_update=True)
            waiting = other.submit(levers.pull, Lever.REFUND, selection)
            until_sessions_wait(levers.database, 1)
            ledger.refund(session, customer.id, generation_id, PRICE, reference="a ticket", reason="a test")
        assert waiting.result() == {generation_id: "moved_on"}
    assert levers.balance(customer) == Balance(GRANTED, 0)


def test_a_stopped_run_goes_on_with_the_rest(levers: Levers, customer: NewCustomer) -> None:
    ids = {levers.make(customer, Stage.COMPLETED) for _ in range(5)}
    selection = of_customer(customer, status=["completed"])
    first = {one.generation_id for one in islice(levers.acts(Lever.REFUND, selection), 2)}
    assert levers.balance(customer) == Balance(GRANTED - 3 * PRICE, 0)
    assert levers.count(Lever.REFUND, selection).credits == 3 * PRICE
    rest = set(levers.pull(Lever.REFUND, selection))
    assert (first | rest, first & rest) == (ids, set())
    assert levers.balance(customer) == Balance(GRANTED, 0)


def test_a_generation_that_moves_on_after_the_count_is_left_alone(levers: Levers, customer: NewCustomer) -> None:
    ids = [levers.make(customer, Stage.QUEUED) for _ in range(2)]
    acts = levers.acts(Lever.CANCEL, Selection(id=ids))
    assert next(acts).word == "ended"
    finishing.complete(levers.database, levers.settings, levers.objects, ids[1], b"a picture")
    assert next(acts).word == "moved_on"
    assert levers.balance(customer) == Balance(GRANTED - PRICE, 0)


def test_orders_after_the_count_are_not_meant(levers: Levers, customer: NewCustomer) -> None:
    run_before = levers.run_of(Lever.FAIL, of_customer(customer))
    later = a_generation(levers.database, levers.settings, customer)
    with levers.database.statement() as sql:
        assert running.slice_of(sql, run_before, None, limit=10) == []
    assert levers.pull(Lever.FAIL, of_customer(customer)) == {later: "ended"}


def test_a_run_ends_after_as_many_effects_as_were_counted(
    levers: Levers, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "_SLICE", 1)
    tried: list[UUID] = []

    def noted(database: Database, means: Means, run: Run, generation_id: UUID) -> Acted:
        tried.append(generation_id)
        return act(database, means, run, generation_id)

    monkeypatch.setattr(running, "act", noted)
    wanted = of_customer(customer, status=["completed"])
    joining = {levers.make(customer, Stage.QUEUED) for _ in range(3)}
    counted = {levers.make(customer, Stage.COMPLETED) for _ in range(2)}
    run = levers.run_of(Lever.REFUND, wanted)
    for one in joining:
        finishing.complete(levers.database, levers.settings, levers.objects, one, b"a picture")
    done = [one.word for one in running.act_on_all(levers.database, levers.means, run)]
    assert done == ["refunded"] * 2
    assert levers.balance(customer) == Balance(GRANTED - 3 * PRICE, 0)
    assert len(tried) == 3, "the run ends with the first generation beyond its count"
    assert set(levers.pull(Lever.REFUND, wanted)) <= counted | joining, "another run goes on"
    assert levers.balance(customer) == Balance(GRANTED, 0)


def test_two_requests_of_one_run_have_no_more_effects_than_were_counted(levers: Levers, customer: NewCustomer) -> None:
    joining = [levers.make(customer, Stage.QUEUED) for _ in range(4)]
    for _ in range(4):
        levers.make(customer, Stage.COMPLETED)
    run = levers.run_of(Lever.REFUND, of_customer(customer, status=["completed"]))
    for one in joining:
        finishing.complete(levers.database, levers.settings, levers.objects, one, b"a picture")

    def act(after: UUID | None) -> int:
        with levers.database.statement() as sql:
            ids = running.slice_of(sql, run, after, limit=8)
        return sum(one.word == "refunded" for one in running.act_on(levers.database, levers.means, run, ids))

    with ThreadPoolExecutor(2) as requests:
        assert sum(requests.map(act, [None, None])) == 4
    assert levers.balance(customer) == Balance(GRANTED - 4 * PRICE, 0)


def test_refusals_leave_a_run_its_effects(levers: Levers, customer: NewCustomer) -> None:
    ids = sorted(levers.make(customer, stage) for stage in (Stage.QUEUED, Stage.GENERATING))
    run = levers.run_of(Lever.CANCEL, Selection(id=ids))
    for _ in range(2):
        list(running.act_on_all(levers.database, levers.means, run))
        with levers.database.statement() as sql:
            left = bounding.recount(sql, Lever.CANCEL, run.selection, run.seen)
        assert left.count == 1, "the one that cannot be cancelled is asked for again"
    with levers.database.transaction() as session:
        (change,) = session.exec(select(AdmissionChange)).all()
    assert change.after == {"ended": 1, "refused: not_cancellable": 2}


def test_a_cancel_by_an_operator_follows_the_rule_of_the_route(
    levers: Levers, customer: NewCustomer, each: dict[Stage, UUID]
) -> None:
    stoppable = replace(levers.means, rule_of=lambda _order, _index: CancelRule.FREE)
    selection = Selection(id=[each[Stage.GENERATING]])
    assert tally(levers.pull(Lever.CANCEL, selection, stoppable)) == {"asked": 1}
    assert levers.rows(each)[Stage.GENERATING].cancel_requested_at is not None
    assert levers.balance(customer).held == HELD, "the provider has not confirmed"
    assert levers.count(Lever.CANCEL, selection).count == 0


def test_paused_and_deleted_endpoints_hear_nothing(levers: Levers, each: dict[Stage, UUID]) -> None:
    with levers.database.statements() as sql:
        sql.run("UPDATE webhook_endpoints SET paused_at = now(), paused_reason = 'operator'")
    assert levers.count(Lever.REDELIVER, Selection(all=True)).count == 0
    assert levers.pull(Lever.REDELIVER, Selection(all=True)) == {}


SELECTED: list[tuple[dict[str, object], set[Stage]]] = [
    ({"all": True}, set(Stage)),
    ({"stage": ["storing", "failed"]}, {Stage.STORING, Stage.FAILED}),
    ({"status": ["processing"]}, set(WAY[1:])),
    ({"status": ["processing"], "stage": ["storing", "failed"]}, {Stage.STORING}),
    ({"error_code": ["timeout", "internal"]}, {Stage.FAILED}),
    ({"error_code": ["internal"]}, set()),
    ({"cause": [Cause.TIMED_OUT, Cause.CANCELLED_BEFORE_START]}, {Stage.FAILED, Stage.CANCELLED}),
    ({"cause": [Cause.CANCELLED_AFTER_START, Cause.OUTPUT_REFUSED]}, set()),
    ({"failing": True}, set(WAY)),
    ({"kind": "image", "model": ["nano-banana"], "provider": ["kie"]}, set(Stage)),
    ({"kind": "video"}, set()),
    ({"route": ["kie/google/nano-banana"]}, set(Stage)),
    ({"route": ["kie/google/nano"]}, set()),
    ({"accepted_after": "2020-01-01T00:00:00Z", "accepted_before": "2100-01-01T00:00:00Z"}, set(Stage)),
    ({"accepted_before": "2020-01-01T00:00:00Z"}, set()),
    ({"batch_id": ["00000000-0000-4000-8000-000000000000"]}, set()),
    # Values are data: none of them is read as SQL or as a pattern.
    ({"model": ["' OR true --", "%", "nano_banana"]}, set()),
    ({"route": ["kie/%(stages)s", "{acts}"]}, set()),
]


@pytest.mark.parametrize("lever", [Lever.REDELIVER, Lever.REFUND])
def test_all_conditions_of_a_selection_hold(levers: Levers, each: dict[Stage, UUID], lever: Lever) -> None:
    for conditions, stages in SELECTED:
        counted = levers.count(lever, Selection.model_validate(conditions))
        assert ({group.stage for group in counted.groups}, counted.selected) == (stages, len(stages)), conditions


def test_selection_that_takes_too_long_says_how_to_narrow_it(levers: Levers, customer: NewCustomer) -> None:
    levers.make(customer, Stage.QUEUED)
    with levers.database.statements() as other, levers.database.statements() as sql:
        other.run("LOCK TABLE generations")
        sql.run("SET LOCAL statement_timeout = '20ms'")
        with pytest.raises(InvalidRequest, match="add `id`, `customer_id`"):
            counting.count(sql, Lever.FAIL, Selection(all=True))


def test_deleted_generations_are_never_selected(levers: Levers, customer: NewCustomer) -> None:
    generation_id = levers.make(customer, Stage.COMPLETED)
    with levers.database.statements() as sql:
        transitions.erase(sql, generation_id)
    assert levers.count(Lever.REFUND, Selection(id=[generation_id])).selected == 0


def test_an_order_of_a_batch_is_selected_by_its_batch(levers: Levers, customer: NewCustomer) -> None:
    generation_id = levers.make(customer, Stage.QUEUED)
    batch = "6b2b6f0e-7e4e-4d8e-9d1b-0f4f5ad6b7a1"
    with levers.database.statements() as sql:
        sql.run("UPDATE generation_labels SET batch_id = %(batch)s", batch=batch)
    assert levers.pull(Lever.FAIL, Selection.model_validate({"batch_id": [batch]})) == {generation_id: "ended"}


def test_a_failed_end_is_told_to_the_customer_without_the_reason(levers: Levers, customer: NewCustomer) -> None:
    generation_id = levers.make(customer, Stage.QUEUED)
    levers.pull(Lever.FAIL, Selection(id=[generation_id]))
    row = levers.rows({Stage.FAILED: generation_id})[Stage.FAILED]
    assert (row.stage, row.error_code) == (Stage.FAILED, ErrorCode.INTERNAL)
    assert row.error_message == "the operator ended it; it cost nothing"
    assert row.stage in TERMINAL


def test_the_claim_past_the_deadline_belongs_to_a_new_worker(levers: Levers, each: dict[Stage, UUID]) -> None:
    """`fail` ends the deadline: the row is due, and its next claim is past it."""
    generation_id = each[Stage.DOWNLOADING]
    levers.pull(Lever.FAIL, Selection(id=[generation_id]))
    row = levers.rows(each)[Stage.DOWNLOADING]
    with levers.database.transaction() as session:
        claim = some_claim(claims.claim(of(session), row.id, {row.stage}, attempt=row.attempt, lease_seconds=8))
    assert claim.generation.claimed_at >= claim.generation.deadline_at
