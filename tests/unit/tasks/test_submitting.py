"""The outcomes of `prepare`, `send` and `resolve` for each answer to a create."""

from typing import Any

import pytest

from providers.base import STORED_FILE, AcceptedCreate, ProviderRequest
from schemas.enums import ErrorCode, Stage
from schemas.limits import Refusal
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from storage.admission_learning import Refused
from storage.changes import Changes
from tasks.outcomes import Advance, Cancel, Counts, Fail, File, Later, NotAccepted, Outcome, Unknown, UnlessCalledBack
from tasks.prepare import prepare
from tasks.resolve import resolve
from tasks.send import send
from tasks.troubles import INTERNAL
from tests.media_files.images import png
from tests.model.menu import CHARGED, RESENT
from tests.unit.tasks.conftest import NOW, TOKEN, Vendor, a_claim, a_lease, services_with

pytestmark = pytest.mark.usefixtures("no_jitter")

ACCEPTED = Advance(
    Stage.GENERATING,
    wait=60,
    event={"provider": "kie", "route": 0, "remote_id": "remote-1"},
    changes=Changes(remote_id="remote-1", remote_links={}),
)


def _again(
    reason: str, pause: float, *, failures: int, crashes: int | None = None, refused: Refused | None = None
) -> NotAccepted:
    changes = Changes(failures=failures, crashes=crashes)
    return NotAccepted(Advance(Stage.QUEUED, wait=pause, event={"reason": reason}, changes=changes), refused)


def _send(vendor: Vendor, *, has_lease: bool = True, model: str = "free", **columns: Any) -> Outcome:
    claim = a_claim(Stage.SUBMITTING, model=model, **columns)
    request = ProviderRequest(claim.route.model, claim.order.inputs)
    return send(services_with(vendor), claim, a_lease(is_good=has_lease), request)


def test_prepare_declares_the_intent_and_carries_the_request() -> None:
    vendor, claim = Vendor(), a_claim(Stage.QUEUED)
    request = ProviderRequest(claim.route.model, claim.order.inputs)
    assert prepare(services_with(vendor), claim, a_lease()) == Advance(Stage.SUBMITTING, carries=request)
    assert vendor.asked == [], "nothing leaves before the intent is written down"


def test_cancellation_before_the_create_is_not_charged() -> None:
    claim = a_claim(Stage.QUEUED, model=CHARGED.name, cancel_requested_at=NOW)
    outcome = prepare(services_with(Vendor()), claim, a_lease())
    assert outcome == Cancel("cancelled before the provider had it", is_charged=False)


def test_accepted_create_waits_for_its_callback() -> None:
    assert _send(Vendor()) == ACCEPTED


@pytest.mark.parametrize(
    ("created", "columns"),
    [
        (AcceptedCreate("remote-1", is_finished=True), {}),
        (AcceptedCreate("remote-1"), {"cancel_requested_at": NOW}),
    ],
    ids=["it is finished", "the customer cancelled"],
)
def test_finished_or_cancelled_create_is_polled_at_once(created: AcceptedCreate, columns: dict[str, Any]) -> None:
    outcome = _send(Vendor(submits=created), **columns)
    assert isinstance(outcome, Advance)
    assert outcome.wait == 0


def test_file_in_the_vendors_answer_is_stored_before_the_row_names_it() -> None:
    picture = png(8, 8)
    outcome = _send(Vendor(submits=AcceptedCreate("remote-1", file=picture)))
    key = f"customers/00000000-0000-0000-0000-000000000002/assets/image/20260101T120000Z_{TOKEN}.png"
    assert isinstance(outcome, Advance)
    assert outcome.file == File(key, picture, "image/png")
    links = {STORED_FILE: f"stored:{key}"}
    assert outcome.changes == Changes(remote_id="remote-1", remote_links=links, object_key=key)


@pytest.mark.parametrize(
    ("answer", "columns", "expected"),
    [
        (
            ProviderRateLimited("slow down"),
            {"failures": 2},
            _again("slow down", 1, failures=2, refused=Refused(Refusal.TOO_FAST, 10)),
        ),
        (
            ProviderRateLimited("slow down", retry_after=99),
            {},
            _again("slow down", 1, failures=0, refused=Refused(Refusal.TOO_FAST, 10, 99)),
        ),
        (
            ProviderRateLimited("too many", refusal=Refusal.TOO_MANY),
            {},
            _again("too many", 1, failures=0, refused=Refused(Refusal.TOO_MANY, 10)),
        ),
        (
            ProviderQuotaExceeded("empty"),
            {"route_index": 2, "routes_given_up": 0b011},
            _again("empty", 1, failures=0, refused=Refused(Refusal.NO_MONEY, 300)),
        ),
        (ProviderUnavailable("away"), {}, _again("away", 2, failures=1)),
        (ProviderUnavailable("away"), {"failures": 1}, _again("away", 4, failures=2)),
        (
            ProviderUnavailable("away", retry_after=7),
            {},
            _again("away", 7, failures=1, refused=Refused(Refusal.AWAY, 7)),
        ),
        (
            ProviderRejected("bad", code=ErrorCode.CONTENT_REJECTED),
            {},
            NotAccepted(Fail(ErrorCode.CONTENT_REJECTED, "bad")),
        ),
        (
            ProviderAuthFailed("no key"),
            {"route_index": 2, "routes_given_up": 0b011},
            NotAccepted(Fail(ErrorCode.PROVIDER_AUTH_FAILED, "no key")),
        ),
    ],
)
def test_refused_create_is_retried_or_fails(
    answer: ProviderError, columns: dict[str, Any], expected: NotAccepted
) -> None:
    assert _send(Vendor(submits=answer), **columns) == expected


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (ProviderAuthFailed("refused"), None),
        (ProviderUnavailable("refused"), None),
        (ProviderQuotaExceeded("refused"), Refused(Refusal.NO_MONEY, 300)),
        (ProviderRateLimited("refused", refusal=Refusal.DAILY), Refused(Refusal.DAILY, 300)),
    ],
)
def test_next_route_is_tried_when_retries_cannot_help(answer: ProviderError, refused: Refused | None) -> None:
    outcome = _send(Vendor(submits=answer), failures=2)
    assert outcome == NotAccepted(
        Advance(
            Stage.QUEUED,
            wait=0,
            event={"reason": "refused", "next_route": 1},
            changes=Changes(failures=0, route_index=1, provider="kling", routes_given_up=0b001),
        ),
        refused,
    )


def test_create_with_a_lost_reply_has_an_unknown_outcome() -> None:
    assert _send(Vendor(submits=ProviderOutcomeUnknown("the line was cut"))) == Unknown("the line was cut")


def test_create_stopped_by_the_fence_is_not_accepted() -> None:
    assert _send(Vendor(), has_lease=False) == NotAccepted()


def test_crash_after_the_create_left_is_an_unknown_outcome() -> None:
    assert _send(Vendor(submits=RuntimeError("a bug"))) == Unknown("an internal error after it was sent")


def test_crash_before_the_create_left_is_retried_a_few_times() -> None:
    vendor = Vendor(submits=RuntimeError("a bug"), leaves=False)
    assert _send(vendor, crashes=1) == _again("an internal error", 4, failures=0, crashes=2)
    assert _send(vendor, crashes=2) == NotAccepted(INTERNAL)


def test_remote_id_from_the_sender_is_adopted_without_a_look_up() -> None:
    vendor = Vendor()
    claim = a_claim(Stage.SUBMITTING, remote_id="remote-1", remote_links={"status": "https://vendor.example/1"})
    outcome = resolve(services_with(vendor), claim, a_lease())
    assert isinstance(outcome, Advance)
    assert (outcome.stage, outcome.wait) == (Stage.GENERATING, 0)
    assert outcome.changes == Changes(remote_id="remote-1", remote_links={"status": "https://vendor.example/1"})
    assert vendor.asked == []


@pytest.fixture
def no_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """No callback has brought an id."""
    monkeypatch.setattr("tasks.resolve._called_back", lambda _services, _claim: None)


@pytest.mark.usefixtures("no_callback")
@pytest.mark.parametrize(("waited", "pause"), [(0, 2), (1, 2), (20, 20), (100, 20)])
def test_pauses_between_look_ups_of_an_unknown_create_grow(waited: float, pause: float) -> None:
    outcome = resolve(services_with(Vendor()), a_claim(Stage.SUBMITTING, in_stage_for=waited), a_lease())
    assert outcome == Later(pause, Counts.SUCCESS)


@pytest.mark.usefixtures("no_callback")
def test_unknown_create_is_kept_while_its_provider_does_not_answer() -> None:
    vendor = Vendor(finds=ProviderUnavailable("away"))
    outcome = resolve(services_with(vendor), a_claim(Stage.SUBMITTING, in_stage_for=500), a_lease())
    assert outcome == Later(500, Counts.SUCCESS, reason="away")


@pytest.mark.usefixtures("no_callback")
@pytest.mark.parametrize(
    ("model", "columns", "expected"),
    [
        (
            "free",
            {},
            Fail(
                ErrorCode.SUBMIT_OUTCOME_UNKNOWN,
                "the provider did not say whether it accepted the request; it was not sent again",
            ),
        ),
        (CHARGED.name, {"cancel_requested_at": NOW}, Cancel("the provider never said whether it had it")),
        (
            RESENT.name,
            {},
            Advance(Stage.QUEUED, wait=0, event={"reason": "outcome unknown: sent again, as the route says"}),
        ),
    ],
)
def test_unknown_create_is_given_up_after_the_grace_period_without_a_callback(
    model: str, columns: dict[str, Any], expected: Fail | Cancel | Advance
) -> None:
    claim = a_claim(Stage.SUBMITTING, model=model, in_stage_for=121, **columns)
    assert resolve(services_with(Vendor()), claim, a_lease()) == UnlessCalledBack(expected)
