"""The outcomes of the steps from `generating` to the end, and of generations past their deadline."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from providers.base import Cancellation, RemoteState, RemoteStatus
from schemas.enums import ErrorCode, EventName, FoundBy, Queue, Stage
from schemas.errors import DownloadError
from schemas.limits import RemoteWait
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderUnavailable
from schemas.stages import WORK
from storage.changes import Changes
from tasks import deadline, pipeline
from tasks.bad_files import fetch_again, link
from tasks.download import _not_downloaded
from tasks.outcomes import Advance, Cancel, CancelSent, Counts, Fail, Later, Note, Outcome
from tasks.poll import poll
from tasks.prepare import prepare
from tasks.remote import remote_ref
from tasks.resolve import resolve
from tasks.settle import settle
from tasks.store import store
from tasks.troubles import INTERNAL, crashed, outage
from tests.media_files.images import png
from tests.model.menu import CHARGED
from tests.unit.tasks.conftest import NOW, Vendor, a_claim, a_lease, services_with

pytestmark = pytest.mark.usefixtures("no_jitter")

WANTED: dict[str, Any] = {"cancel_requested_at": NOW}
ASKED: dict[str, Any] = {"cancel_requested_at": NOW, "cancel_sent_at": NOW}
FINISHED = RemoteState(RemoteStatus.SUCCEEDED, result_urls=["https://vendor.example/1.png"])


def _running(progress: int) -> Changes:
    return Changes(progress=progress, remote_wait=RemoteWait.RUNNING)


def _poll(vendor: Vendor, *, model: str = "free", in_stage_for: float = 0.0, **columns: Any) -> Outcome:
    claim = a_claim(Stage.GENERATING, model=model, in_stage_for=in_stage_for, **columns)
    return poll(services_with(vendor), claim, a_lease())


def test_poll_of_running_work_is_repeated_later_and_updates_progress() -> None:
    running = RemoteState(RemoteStatus.RUNNING, progress=0.25)
    assert _poll(Vendor(polls=running)) == Later(60, Counts.SUCCESS, _running(31))


def test_progress_is_estimated_when_the_vendor_reports_none() -> None:
    running = RemoteState(RemoteStatus.RUNNING)
    assert _poll(Vendor(polls=running), in_stage_for=8) == Later(60, Counts.SUCCESS, _running(47))


def test_poll_of_finished_work_moves_to_downloading() -> None:
    state = replace(FINISHED, provider_credits=Decimal(3))
    changes = Changes(result_urls=["https://vendor.example/1.png"], provider_credits=Decimal(3))
    expected = Advance(Stage.DOWNLOADING, changes=changes, found_by=FoundBy.SAFETY_POLL)
    assert _poll(Vendor(polls=state)) == expected


def test_read_after_a_callback_finds_the_end_by_the_callback() -> None:
    claim = replace(a_claim(Stage.GENERATING), is_called_back=True)
    outcome = poll(services_with(Vendor(polls=FINISHED)), claim, a_lease())
    assert isinstance(outcome, Advance)
    assert outcome.found_by is FoundBy.CALLBACK


def test_result_ready_before_cancellation_is_delivered_and_noted_on_timeline() -> None:
    outcome = _poll(Vendor(polls=FINISHED), **ASKED)
    assert isinstance(outcome, Advance)
    assert (outcome.stage, outcome.notes) == (Stage.DOWNLOADING, [Note(EventName.CANCEL_TOO_LATE)])


def test_cancellation_is_passed_on_before_the_state_is_read() -> None:
    vendor = Vendor(cancels=Cancellation.REQUESTED)
    answer = Note(EventName.CANCEL_SENT, {"provider": "kie", "answer": Cancellation.REQUESTED})
    assert _poll(vendor, **WANTED) == CancelSent(answer)
    assert vendor.asked == ["cancel"]


def test_provider_is_asked_to_stop_once() -> None:
    vendor = Vendor(polls=RemoteState(RemoteStatus.RUNNING, progress=0.5))
    assert _poll(vendor, **ASKED) == Later(2.5, Counts.SUCCESS, _running(47))
    assert vendor.asked == ["poll"]


def test_state_is_read_when_the_request_to_stop_fails() -> None:
    vendor = Vendor(cancels=ProviderUnavailable("away"), polls=FINISHED)
    outcome = _poll(vendor, **WANTED)
    assert isinstance(outcome, Advance)
    assert vendor.asked == ["cancel", "poll"]


@pytest.mark.parametrize(("model", "is_charged"), [("free", False), (CHARGED.name, True)])
def test_stopped_work_is_charged_only_if_the_provider_bills_it(model: str, is_charged: bool) -> None:
    expected = Cancel("the provider stopped it", is_charged=is_charged)
    assert _poll(Vendor(cancels=Cancellation.STOPPED), model=model, **WANTED) == expected
    found = replace(expected, found_by=FoundBy.SAFETY_POLL)
    assert _poll(Vendor(polls=RemoteState(RemoteStatus.CANCELLED)), model=model, **ASKED) == found


def test_work_that_fails_after_a_cancellation_is_not_charged() -> None:
    outcome = _poll(Vendor(polls=RemoteState(RemoteStatus.FAILED)), model=CHARGED.name, **ASKED)
    found_by = FoundBy.SAFETY_POLL
    assert outcome == Cancel("the provider failed before it stopped", is_charged=False, found_by=found_by)


def test_failed_or_unrequested_cancelled_work_fails_the_generation() -> None:
    state = RemoteState(RemoteStatus.FAILED, error_code=ErrorCode.CONTENT_REJECTED, error_message="withheld")
    found_by = FoundBy.SAFETY_POLL
    assert _poll(Vendor(polls=state)) == Fail(ErrorCode.CONTENT_REJECTED, "withheld", found_by)
    state = RemoteState(RemoteStatus.CANCELLED)
    assert _poll(Vendor(polls=state)) == Fail(ErrorCode.PROVIDER_FAILED, "the provider did not finish it", found_by)


@pytest.mark.parametrize("error", [ProviderUnavailable("away"), ProviderBadResponse("what?")])
def test_failed_reads_never_end_paid_work(error: ProviderError) -> None:
    assert _poll(Vendor(polls=error), failures=100) == Later(60, Counts.FAILURE, reason=error.message)


def test_final_download_error_fails_and_other_download_errors_are_retried() -> None:
    claim = a_claim(Stage.DOWNLOADING, result_urls=["https://vendor.example/1.png"])
    services = services_with(Vendor(polls=FINISHED))
    final = DownloadError("too large", is_final=True)
    assert _not_downloaded(services, claim, final) == Fail(ErrorCode.RESULT_INVALID, "too large")
    assert _not_downloaded(services, claim, DownloadError("it is away")) == Later(10, reason="it is away")
    fresh = Later(2, Counts.FAILURE, Changes(result_urls=FINISHED.result_urls), reason="refused")
    assert _not_downloaded(services, claim, DownloadError("refused", is_stale=True)) == fresh


def test_image_in_memory_becomes_an_asset() -> None:
    picture = png(8, 8)
    download = {"size_bytes": len(picture), "sha256": "ab", "content_type": "image/png"}
    claim = a_claim(Stage.STORING, object_key="customers/1.png", download=download)
    outcome = store(services_with(Vendor()), claim, a_lease(), content=picture)
    assert isinstance(outcome, Advance)
    (asset,) = outcome.assets
    assert (asset.object_key, asset.width, asset.height, asset.sha256) == ("customers/1.png", 8, 8, "ab")
    assert outcome == Advance(Stage.SETTLING, assets=[asset])


CUT = "the file is cut: its end is missing"


def _stored(*, bad_files: int, link: str = "https://vendor.example/0.png") -> Outcome:
    """The outcome of a stored picture that is cut. The vendor may not be asked: the worker may have no way there."""
    download = {"size_bytes": 4, "sha256": "ab", "content_type": "image/png", "bad_files": bad_files}
    claim = a_claim(Stage.STORING, object_key="customers/1.png", download=download, result_urls=[link])
    vendor = Vendor(polls=FINISHED)
    outcome = store(services_with(vendor), claim, a_lease(), content=png(8, 8)[:30])
    assert vendor.asked == []
    return outcome


def test_cut_file_is_fetched_again_after_a_growing_pause() -> None:
    event = {"reason": CUT, "bad_files": 1}
    expected = Advance(Stage.DOWNLOADING, wait=2, event=event, changes=Changes(download={"bad_files": 1}))
    assert _stored(bad_files=0) == expected
    later = _stored(bad_files=2)
    assert isinstance(later, Advance)
    assert later.wait == 8


OLD, FRESH = "https://vendor.example/0.png", "https://vendor.example/1.png"


@pytest.mark.parametrize(
    ("download", "polls", "expected"),
    [
        (None, FINISHED, OLD),
        ({"bad_files": 1}, FINISHED, FRESH),
        ({"bad_files": 1}, replace(FINISHED, result_urls=[]), OLD),
        ({"bad_files": 1}, ProviderUnavailable("away"), OLD),
    ],
    ids=["first file", "after a bad file", "no fresh link", "vendor away"],
)
def test_file_after_a_bad_file_is_fetched_by_a_fresh_link(
    download: dict[str, int] | None, polls: RemoteState | Exception, expected: str
) -> None:
    vendor = Vendor(polls=polls)
    claim = a_claim(Stage.DOWNLOADING, result_urls=[OLD], download=download)
    assert link(services_with(vendor), claim) == expected
    assert vendor.asked == ([] if download is None else ["poll"])


def test_cut_file_fails_the_generation_in_the_end() -> None:
    assert _stored(bad_files=4) == Fail(ErrorCode.RESULT_INVALID, CUT)


def test_cut_file_that_came_with_the_create_fails_at_once() -> None:
    assert _stored(bad_files=0, link="stored:customers/1.png") == Fail(ErrorCode.RESULT_INVALID, CUT)


def test_another_file_is_fetched_again_in_the_same_stage() -> None:
    claim = a_claim(Stage.DOWNLOADING, result_urls=["https://vendor.example/0.png"], download={"bad_files": 1})
    outcome = fetch_again(services_with(Vendor()), claim, "the file is a page")
    changes = Changes(download={"bad_files": 2})
    assert outcome == Later(4, Counts.SUCCESS, changes, reason="the file is a page")


def test_fetching_again_waits_for_a_wake_up() -> None:
    assert not _follows(Stage.STORING, Advance(Stage.DOWNLOADING, wait=2))


def test_settle_completes_a_stored_result() -> None:
    claim = a_claim(Stage.SETTLING)
    expected = Advance(Stage.COMPLETED, event={"credits": claim.generation.credits})
    assert settle(services_with(Vendor()), claim, a_lease()) == expected


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (Stage.QUEUED, ErrorCode.TIMEOUT),
        (Stage.SUBMITTING, ErrorCode.SUBMIT_OUTCOME_UNKNOWN),
        (Stage.DOWNLOADING, ErrorCode.DOWNLOAD_FAILED),
        (Stage.STORING, ErrorCode.TIMEOUT),
    ],
)
def test_generation_past_its_deadline_fails_with_the_reason_of_the_last_try(
    stage: Stage, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor, claim = Vendor(), a_claim(stage, deadline_at=NOW)
    monkeypatch.setattr("tasks.deadline._is_ended_by_operator", lambda _services, _claim: False)
    monkeypatch.setattr("tasks.resolve._called_back", lambda _services, _claim: None)
    monkeypatch.setattr("tasks.deadline._cause", lambda _services, _claim: "the last try failed")
    outcome = deadline.end_of(services_with(vendor), claim)
    assert isinstance(outcome, Fail)
    assert outcome.code is code
    # A create without an answer failed in no try: its message says what is known.
    assert outcome.message.endswith("; the last try failed") == (stage is not Stage.SUBMITTING)
    assert vendor.asked == []


def test_provider_gets_the_prompt_so_that_no_message_quotes_it() -> None:
    assert remote_ref(a_claim(Stage.GENERATING)).prompt == "a lighthouse"
    assert "lighthouse" not in repr(remote_ref(a_claim(Stage.GENERATING)))


def test_status_that_nobody_knows_is_no_news() -> None:
    vendor = Vendor(polls=RemoteState(RemoteStatus.UNKNOWN, word="pondering"))
    claim = a_claim(Stage.GENERATING, failures=3)
    outcome = pipeline.TABLE[Stage.GENERATING].step(services_with(vendor), claim, a_lease())
    assert isinstance(outcome, Later)
    assert (outcome.seconds, outcome.counts) == (60, Counts.SUCCESS)
    assert outcome.once == Note(
        EventName.STATUS_UNKNOWN, {"provider": claim.generation.provider, "status": "pondering"}
    )


@pytest.mark.parametrize(("stage", "is_charged"), [(Stage.SUBMITTING, False), (Stage.GENERATING, True)])
def test_unconfirmed_cancellation_at_deadline_is_charged_only_if_provider_has_begun(
    stage: Stage, is_charged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.deadline._is_ended_by_operator", lambda _services, _claim: False)
    monkeypatch.setattr("tasks.resolve._called_back", lambda _services, _claim: None)
    claim = a_claim(stage, model=CHARGED.name, deadline_at=NOW, **ASKED)
    outcome = deadline.end_of(services_with(Vendor(cancels=ProviderUnavailable("away"))), claim)
    assert outcome == Cancel("not confirmed before the deadline", is_charged=is_charged)


def test_settling_has_no_deadline() -> None:
    assert deadline.end_of(services_with(Vendor()), a_claim(Stage.SETTLING, deadline_at=NOW)) is None


def test_generation_fails_after_three_crashes_in_a_row() -> None:
    assert deadline.end_of(services_with(Vendor()), a_claim(Stage.STORING, crashes=2)) is None
    assert deadline.end_of(services_with(Vendor()), a_claim(Stage.STORING, crashes=3)) == INTERNAL


def test_outage_is_retried_and_counts_as_no_failure() -> None:
    assert outage(services_with(Vendor()), "away") == Later(10, Counts.NOTHING, reason="away")


@pytest.mark.parametrize("stage", list(WORK))
def test_repeated_crashes_fail_only_queued_downloading_and_storing(stage: Stage) -> None:
    services = services_with(Vendor())
    reason = "an internal error"
    assert crashed(services, a_claim(stage)) == Later(2, Counts.CRASH, reason=reason)
    ends = stage in {Stage.QUEUED, Stage.DOWNLOADING, Stage.STORING}
    again = Later(8, Counts.CRASH, reason=reason)
    assert crashed(services, a_claim(stage, crashes=2)) == (INTERNAL if ends else again)


def _follows(stage: Stage, outcome: Advance, **process: object) -> bool:
    services = services_with(Vendor(), **process)  # type: ignore[arg-type]  # as the caller names them
    return pipeline.next_step(services, stage, outcome) is not None


def test_same_worker_runs_the_next_step_when_the_step_is_short() -> None:
    assert _follows(Stage.GENERATING, Advance(Stage.DOWNLOADING))
    assert not _follows(Stage.GENERATING, Advance(Stage.DOWNLOADING), queues=frozenset({Queue.POLL}))
    assert _follows(Stage.DOWNLOADING, Advance(Stage.STORING, carries=b"a small picture"))
    assert not _follows(Stage.DOWNLOADING, Advance(Stage.STORING))
    assert _follows(Stage.STORING, Advance(Stage.SETTLING))
    assert not _follows(Stage.STORING, Advance(Stage.SETTLING), joins_stages=False)
    assert not _follows(Stage.SETTLING, Advance(Stage.COMPLETED))


@pytest.mark.parametrize("joins_stages", [True, False])
def test_only_the_worker_that_declared_the_intent_sends_the_create(joins_stages: bool) -> None:
    services, claim = services_with(Vendor(), joins_stages=joins_stages), a_claim(Stage.QUEUED)
    prepared = prepare(services, claim, a_lease())
    assert isinstance(prepared, Advance)
    sent = pipeline.TABLE[Stage.QUEUED].then(services, prepared.carries)
    assert sent is not None
    assert isinstance(sent(services, a_claim(Stage.SUBMITTING), a_lease()), Advance)
    assert pipeline.TABLE[Stage.SUBMITTING].step is resolve, "any other claim takes it for one that may have left"


def test_every_stage_of_a_wake_up_has_a_step() -> None:
    assert set(pipeline.TABLE) == set(WORK)
