from uuid import UUID, uuid4

from drills.chaos.checks import book
from drills.chaos.checks.book import Breach, Entry
from sandbox.control_models import TaskReport


def entry(stage: str = "completed", *, remote_id: str | None = "task-1", error_code: str | None = None) -> Entry:
    return Entry(id=uuid4(), key=f"order-{uuid4()}", stage=stage, remote_id=remote_id, error_code=error_code)


def task(generation_id: UUID, task_id: str = "task-1") -> TaskReport:
    return TaskReport(
        task_id=task_id,
        model="google/nano-banana",
        prompt="a lighthouse",
        request={},
        call_back_url=f"http://127.0.0.1:1/callbacks/kie/{generation_id}?t=token",
        state="success",
        created_at=0.0,
        completed_at=1.0,
        polls=1,
        polled_at=1.0,
        cancels=0,
        downloads=1,
        callbacks=[],
    )


def test_matching_books_have_no_breach() -> None:
    made, refused = entry(), entry("failed", remote_id=None, error_code="provider_rejected")
    assert book.compare([made, refused], [task(made.id)]) == []


def test_second_create_is_a_breach() -> None:
    made = entry()
    (breach,) = book.compare([made], [task(made.id), task(made.id, "task-2")])
    assert breach == Breach(str(made.id), "2 creates were accepted for it: task-1, task-2")


def test_second_create_for_a_failed_generation_is_a_breach() -> None:
    failed = entry("failed", remote_id=None, error_code="submit_outcome_unknown")
    (breach,) = book.compare([failed], [task(failed.id), task(failed.id, "task-2")])
    assert breach.subject == str(failed.id)


def test_task_without_a_generation_is_a_breach() -> None:
    stranger = uuid4()
    (breach,) = book.compare([], [task(stranger)])
    assert breach == Breach("task task-1", f"was made for {stranger}, which our book does not have")


def test_task_without_a_callback_is_a_breach() -> None:
    (breach,) = book.compare([], [task(uuid4()).model_copy(update={"call_back_url": None})])
    assert breach.subject == "task task-1"


def test_result_of_another_generation_is_a_breach() -> None:
    mine, other = entry(), entry(remote_id="task-2")
    breaches = book.compare([mine, other], [task(other.id), task(mine.id, "task-2")])
    assert {breach.subject for breach in breaches} == {str(mine.id), str(other.id)}


def test_result_without_a_task_is_a_breach() -> None:
    invented, none = entry(remote_id="task-9"), entry(remote_id=None)
    breaches = book.compare([invented, none], [])
    assert [(breach.subject, breach.problem) for breach in breaches] == [
        (str(invented.id), "has the task task-9, which the vendor does not know"),
        (str(none.id), "is completed without a task"),
    ]


def test_paid_and_undelivered_creates_are_counted_by_reason() -> None:
    made, unknown = entry(), entry("failed", remote_id=None, error_code="submit_outcome_unknown")
    cancelled = entry("cancelled", remote_id="task-3")
    tasks = [task(made.id), task(unknown.id, "task-2"), task(cancelled.id, "task-3")]
    assert book.undelivered([made, unknown, cancelled], tasks) == {"submit_outcome_unknown": 1, "cancelled": 1}


def test_accepted_order_without_a_generation_is_a_breach() -> None:
    kept, lost, swapped = entry(), uuid4(), uuid4()
    assert kept.key is not None
    assert book.unkept_promises([kept], {kept.key: kept.id}) == []
    (breach,) = book.unkept_promises([kept], {kept.key: kept.id, "order-lost": lost})
    assert breach.subject == str(lost)
    (breach,) = book.unkept_promises([kept], {kept.key: swapped})
    assert breach.subject == str(swapped)


def test_generation_that_never_ends_is_a_breach() -> None:
    stuck = entry("generating")
    assert book.unfinished([entry(), entry("cancelled"), stuck]) == [Breach(str(stuck.id), "is still generating")]
