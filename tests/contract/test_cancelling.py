"""The contract of every provider for cancels."""

import pytest

from providers.base import Cancellation, Provider, RemoteStatus
from schemas.provider_errors import ProviderBadResponse, ProviderRejected, ProviderUnavailable
from tests.contract.conftest import CANCELLING, Vendor
from tests.contract.raw_server import Answer, http
from tests.contract.test_providers import HANGS, REMOTE_ID, TROUBLES, errors_of_hangs, failure_of
from tests.contract.wire import API_KEY

URL = "https://media.example/1.png"


def cancel(vendor: Vendor, provider: Provider | None = None) -> Cancellation:
    return (provider or vendor.provider).cancel(vendor.remote(REMOTE_ID))


def cancelled(vendor: Vendor) -> Answer:
    body = vendor.wire.cancelled(REMOTE_ID)
    assert body is not None
    return http(200, body)


def test_a_vendor_without_a_cancel_call_gets_no_call(unstoppable: Vendor) -> None:
    assert cancel(unstoppable) is Cancellation.IMPOSSIBLE
    assert unstoppable.server.requests == []


def test_running_work_is_stopped(telling: Vendor) -> None:
    telling.server.will(cancelled(telling))
    assert cancel(telling) is Cancellation.STOPPED
    (request,) = telling.server.requests
    assert REMOTE_ID in request.target
    assert API_KEY in request.headers[telling.wire.key_header]


def test_work_that_still_runs_after_a_cancel_is_requested(halting: Vendor) -> None:
    wire, stopped = halting.wire, halting.wire.stopped()
    states = [state for state in (wire.queued(REMOTE_ID), wire.running(REMOTE_ID)) if state is not None]
    for state in states:
        halting.will_say(state, *([] if stopped is None else [stopped]))
        assert cancel(halting) is (Cancellation.REQUESTED if stopped is None else Cancellation.STOPPED)
    assert not halting.server.answers


@pytest.mark.parametrize("is_good", [True, False])
def test_finished_work_cannot_be_stopped(cancelling: Vendor, is_good: bool) -> None:
    wire = cancelling.wire
    cancelling.will_say(wire.succeeded(REMOTE_ID, [URL]) if is_good else wire.failed(REMOTE_ID, "no"))
    assert cancel(cancelling) is Cancellation.IMPOSSIBLE


def test_cancelling_stopped_work_again_is_stopped(telling: Vendor) -> None:
    telling.server.will(*[cancelled(telling)] * 2)
    assert [cancel(telling), cancel(telling)] == [Cancellation.STOPPED] * 2


def test_unknown_work_is_rejected_unless_it_was_stopped_before(cancelling: Vendor) -> None:
    wire = cancelling.wire
    cancelling.server.will(wire.unknown_task())
    # A server that forgets a stopped video knows no other end of its work.
    if wire.stopped() is not None or (wire.stops_without_a_state and wire.loses_work):
        assert cancel(cancelling) is Cancellation.STOPPED
    elif wire.loses_work:
        assert cancel(cancelling) is Cancellation.IMPOSSIBLE, "the work is lost"
    else:
        assert type(failure_of(lambda: cancel(cancelling))) is ProviderRejected


def test_a_status_that_nobody_knows_does_not_count_as_stopped(telling: Vendor) -> None:
    if telling.wire.stopped() is not None:
        return  # the state is read first
    telling.will_say(telling.wire.unknown_state(REMOTE_ID))
    assert cancel(telling) is Cancellation.REQUESTED


def test_work_is_not_deleted_if_nobody_knows_its_status(stopping: Vendor) -> None:
    if stopping.name != "runway":
        return  # the others have a cancel call, which deletes nothing
    stopping.will_say(stopping.wire.unknown_state(REMOTE_ID))
    assert type(failure_of(lambda: cancel(stopping))) is ProviderBadResponse
    assert [request.method for request in stopping.server.requests] == ["GET"]


def test_the_end_of_another_task_is_refused(cancelling: Vendor) -> None:
    cancelling.will_say(cancelling.wire.succeeded("task_2", [URL]))
    assert type(failure_of(lambda: cancel(cancelling))) is ProviderBadResponse


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_cancel_raises_the_errors_of_a_read(cancelling: Vendor, trouble: str) -> None:
    answer, _, expected = TROUBLES[trouble]
    cancelling.server.will(answer)
    assert type(failure_of(lambda: cancel(cancelling))) is expected


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_stopping_call_raises_the_errors_of_a_read(stopping: Vendor, trouble: str) -> None:
    answer, _, expected = TROUBLES[trouble]
    stopping.will_say(stopping.wire.running(REMOTE_ID), answer)
    assert type(failure_of(lambda: cancel(stopping))) is expected
    assert len(stopping.server.requests) == 2


@pytest.mark.slow
def test_a_cancel_ends_within_the_time_limit() -> None:
    expected = [ProviderUnavailable] * len(HANGS)
    assert errors_of_hangs(CANCELLING, cancel) == dict.fromkeys(CANCELLING, expected)


def test_a_poll_reports_stopped_work(telling: Vendor) -> None:
    telling.server.will(cancelled(telling))
    state = telling.provider.poll(telling.remote(REMOTE_ID))
    assert (state.status, state.result_urls) == (RemoteStatus.CANCELLED, [])
