"""The contract of every provider with the pipeline, under all failures of the vendor and the network."""

import logging
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import chain
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    Provider,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.transport import MAX_REPLY_BYTES
from providers.registry import adapter_names
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused, LeaseLost
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderQuotaExceeded,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.contract.conftest import EVERY_WIRE, KEEPING, NOW, Vendor, a_transport, a_vendor
from tests.contract.raw_server import Answer, RawServer, dripping, http, raw, response, silence, stalled, unused_port
from tests.contract.wire import API_KEY, PROMPT, Callback
from tests.contract.wires import WIRES
from tests.sandbox.harness import eventually
from tests.support import own_logs, own_records

GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
CALLBACK_URL = f"https://gw.example/callbacks/{GENERATION_ID}?t=secret-token"
REMOTE_ID = "task_1"
PAGE = b"<html><body>Bad gateway</body></html>"

# The answer, the error of a create, the error of a read.
TROUBLES: dict[str, tuple[Answer, type[ProviderError], type[ProviderError]]] = {
    "cut before the reply": (raw(b""), ProviderOutcomeUnknown, ProviderUnavailable),
    "cut in a header": (raw(b"HTTP/1.1 200 OK\r\nContent-"), ProviderOutcomeUnknown, ProviderUnavailable),
    "cut in the body": (raw(response(200, b"{}" * 10)[:-5]), ProviderOutcomeUnknown, ProviderUnavailable),
    "no HTTP at all": (raw(b"\x00\x01garbage\r\n\r\n"), ProviderOutcomeUnknown, ProviderUnavailable),
    "a page as 200": (http(200, PAGE), ProviderOutcomeUnknown, ProviderUnavailable),
    "nothing as 200": (http(200), ProviderOutcomeUnknown, ProviderUnavailable),
    "a million values": (http(200, b"[" + b"[]," * 10**6 + b"[]]"), ProviderOutcomeUnknown, ProviderBadResponse),
    "an endless body": (http(200, b"x" * (MAX_REPLY_BYTES + 1)), ProviderOutcomeUnknown, ProviderBadResponse),
    "a redirect": (http(302, headers={"Location": "/elsewhere"}), ProviderOutcomeUnknown, ProviderBadResponse),
    "500": (http(500, PAGE), ProviderOutcomeUnknown, ProviderUnavailable),
    "502": (http(502, PAGE), ProviderOutcomeUnknown, ProviderUnavailable),
    "504": (http(504, PAGE), ProviderOutcomeUnknown, ProviderUnavailable),
    "503": (http(503, PAGE), ProviderUnavailable, ProviderUnavailable),
    "429": (http(429, PAGE), ProviderRateLimited, ProviderRateLimited),
    "401": (http(401, PAGE), ProviderAuthFailed, ProviderAuthFailed),
    "403": (http(403, b"error code: 1010"), ProviderAuthFailed, ProviderAuthFailed),
    "402": (http(402, PAGE), ProviderQuotaExceeded, ProviderQuotaExceeded),
    "400": (http(400, PAGE), ProviderRejected, ProviderRejected),
    "404": (http(404, PAGE), ProviderRejected, ProviderRejected),
    "422": (http(422, PAGE), ProviderRejected, ProviderRejected),
}
# Answers that only a time limit ends.
HANGS: list[Answer] = [
    silence,
    stalled(b"HTTP/1.1 200 OK\r\n"),
    stalled(response(200, b"{}", {"Content-Length": "100"})),
    dripping(b"HTTP/1.1 200 OK\r\nX: "),
    dripping(response(200, b"{}", {"Content-Length": "1000000"})),
]


def submit(vendor: Vendor, provider: Provider | None = None) -> AcceptedCreate:
    return (provider or vendor.provider).submit(
        vendor.wire.request, callback_url=CALLBACK_URL, generation_id=GENERATION_ID, fence=lambda: None
    )


def poll(vendor: Vendor, provider: Provider | None = None) -> object:
    return (provider or vendor.provider).poll(vendor.remote(REMOTE_ID))


def failure_of(call: Callable[[], object]) -> ProviderError:
    """The error of a call. Checks that its text and its traceback contain no secret."""
    with capture_logs() as lines:
        error = _error_of(call)
    _assert_no_secret(error, lines)
    return error


def _error_of(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def _assert_no_secret(error: ProviderError, lines: object) -> None:
    told = "".join(traceback.format_exception(error)) + repr(lines)
    assert not [secret for secret in (API_KEY, PROMPT, "secret-token", "?task") if secret in told]


def test_every_adapter_has_a_wire() -> None:
    assert set(WIRES) == adapter_names()


def test_the_profile_says_what_the_vendor_can_do(vendor: Vendor) -> None:
    wire, profile = vendor.wire, vendor.provider.profile
    assert profile.calls_back == (wire.callback(REMOTE_ID, NOW) is not None)
    assert profile.cancels == (wire.cancelled(REMOTE_ID) is not None or wire.stops_without_a_state)
    assert profile.keeps_our_id == (wire.look_ups(REMOTE_ID, GENERATION_ID) is not None)
    assert profile.key_header.lower() == wire.key_header


def test_submit_answers_with_the_remote_id(vendor: Vendor) -> None:
    vendor.server.will(http(vendor.wire.created, vendor.wire.accepted(REMOTE_ID)))
    remote_id = vendor.wire.remote_id(REMOTE_ID) if vendor.wire.keeps_work else str(GENERATION_ID)
    assert submit(vendor).remote_id == remote_id
    (create,) = vendor.server.requests
    assert vendor.wire.callback_url_of(create) == (CALLBACK_URL if vendor.provider.profile.calls_back else None)
    assert API_KEY in create.headers[vendor.wire.key_header]
    assert create.headers["user-agent"].startswith("Mozilla/5.0")


def test_submit_asks_for_a_callback(calling: Vendor) -> None:
    calling.server.will(http(calling.wire.created, calling.wire.accepted(REMOTE_ID)))
    submit(calling)
    assert calling.wire.callback_url_of(calling.server.requests[0]) == CALLBACK_URL


def test_submit_without_callback_asks_for_none(calling: Vendor) -> None:
    calling.server.will(http(calling.wire.created, calling.wire.accepted(REMOTE_ID)))
    calling.provider.submit(calling.wire.request, callback_url=None, generation_id=GENERATION_ID, fence=lambda: None)
    assert calling.wire.callback_url_of(calling.server.requests[0]) is None


def test_a_result_that_comes_with_the_accept_is_there_without_another_call(at_once: Vendor) -> None:
    url = "https://media.example/1.png?sig=x"
    answer = at_once.wire.finished_at_once(REMOTE_ID, url)
    assert answer is not None
    at_once.server.will(http(200, answer))
    accepted = submit(at_once)
    remote = RemoteRef(accepted.remote_id, at_once.wire.request.model, accepted.links)
    assert at_once.provider.poll(remote) == RemoteState(RemoteStatus.SUCCEEDED, result_urls=[url])
    assert at_once.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert len(at_once.server.requests) == 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_a_create(vendor: Vendor, trouble: str) -> None:
    answer, expected, _ = TROUBLES[trouble]
    vendor.server.will(answer)
    assert type(failure_of(lambda: submit(vendor))) is (vendor.wire.unknown_path() if trouble == "404" else expected)
    assert len(vendor.server.requests) == 1


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_a_read(keeping: Vendor, trouble: str) -> None:
    answer, _, expected = TROUBLES[trouble]
    keeping.server.will(answer)
    assert type(failure_of(lambda: poll(keeping))) is expected


def errors_of_hangs(
    names: Iterable[str], call: Callable[[Vendor, Provider], object]
) -> dict[str, list[type[ProviderError]]]:
    """The errors of calls that get every kind of hang, all at the same time, by the name of the wire.

    Each call has sent one request.
    """
    with ExitStack() as parts, capture_logs() as lines, ThreadPoolExecutor(200) as pool:
        vendors = {
            name: a_vendor(name, parts.enter_context(RawServer()), parts.enter_context(a_transport())) for name in names
        }
        for vendor in vendors.values():
            vendor.server.will(*HANGS)
        calls = {
            name: [pool.submit(_error_of, partial(call, vendor, vendor.impatient)) for _ in HANGS]
            for name, vendor in vendors.items()
        }
        errors = {name: [each.result() for each in started] for name, started in calls.items()}
        # The server may read a request after its client has given up.
        eventually(lambda: all(len(each.server.requests) >= len(HANGS) for each in vendors.values()))
        assert [len(each.server.requests) for each in vendors.values()] == [len(HANGS)] * len(vendors)
    for each in chain(*errors.values()):
        _assert_no_secret(each, lines)
    return {name: [type(each) for each in found] for name, found in errors.items()}


@pytest.mark.slow
def test_a_create_ends_in_time_with_unknown_outcome() -> None:
    expected = [ProviderOutcomeUnknown] * len(HANGS)
    assert errors_of_hangs(EVERY_WIRE, submit) == dict.fromkeys(EVERY_WIRE, expected)


@pytest.mark.slow
def test_a_read_ends_in_time() -> None:
    expected = [ProviderUnavailable] * len(HANGS)
    assert errors_of_hangs(KEEPING, poll) == dict.fromkeys(KEEPING, expected)


@pytest.mark.parametrize("host", ["127.0.0.1", f"{'x' * 64}.invalid"], ids=["refused", "no such name"])
def test_a_create_that_never_left_may_be_sent_again(vendor: Vendor, host: str) -> None:
    provider = vendor.at(f"http://{host}:{unused_port()}")
    assert type(failure_of(lambda: submit(vendor, provider))) is ProviderUnavailable


def test_a_create_whose_fence_holds_is_not_sent(vendor: Vendor) -> None:
    def lose() -> None:
        raise LeaseLost("it is another worker's")

    with pytest.raises(LeaseLost):
        vendor.provider.submit(vendor.wire.request, callback_url=CALLBACK_URL, generation_id=GENERATION_ID, fence=lose)
    assert vendor.server.requests == []


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_a_create_is_passed_on(vendor: Vendor, status: int) -> None:
    vendor.server.will(http(status, PAGE, {"Retry-After": "7"}))
    assert failure_of(lambda: submit(vendor)).retry_after == 7


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_a_read_is_passed_on(keeping: Vendor, status: int) -> None:
    keeping.server.will(http(status, PAGE, {"Retry-After": "7"}))
    assert failure_of(lambda: poll(keeping)).retry_after == 7


def test_states(keeping: Vendor) -> None:
    wire, remote = keeping.wire, keeping.remote(REMOTE_ID)
    urls = ["https://media.example/1.png?sig=x", "https://media.example/2.png"][: wire.most_results]
    queued = wire.queued(REMOTE_ID)
    if queued is not None:
        keeping.will_say(queued)
        assert keeping.provider.poll(remote).status is RemoteStatus.QUEUED
    keeping.will_say(wire.running(REMOTE_ID), wire.succeeded(REMOTE_ID, urls))
    assert keeping.provider.poll(remote).status is RemoteStatus.RUNNING
    done = keeping.provider.poll(remote)
    assert (done.status, done.provider_credits) == (RemoteStatus.SUCCEEDED, wire.credits)
    assert done.result_urls == wire.results(keeping.server.url, REMOTE_ID, urls)


def test_a_failed_task_tells_why_without_links(keeping: Vendor) -> None:
    keeping.will_say(keeping.wire.failed(REMOTE_ID, "the model https://x.example/?key=1\nis down"))
    state = keeping.provider.poll(keeping.remote(REMOTE_ID))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message is not None
    assert state.error_message.endswith("the model [link] is down")


def test_a_failed_task_tells_why_without_our_key(keeping: Vendor) -> None:
    keeping.will_say(keeping.wire.failed(REMOTE_ID, f"the owner of '{API_KEY}' asks too much"))
    message = keeping.provider.poll(keeping.remote(REMOTE_ID)).error_message
    assert message is not None
    assert message.endswith("the owner of '[…]' asks too much")


def test_success_without_a_result_is_a_failure(keeping: Vendor) -> None:
    answer = keeping.wire.succeeded_with_nothing(REMOTE_ID)
    if answer is None:
        return
    keeping.will_say(answer)
    state = keeping.provider.poll(keeping.remote(REMOTE_ID))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == f"{keeping.name} reported success without a result"


def test_the_state_of_another_task_is_refused(keeping: Vendor) -> None:
    keeping.will_say(keeping.wire.succeeded("task_2", ["https://media.example/1.png"]))
    assert type(failure_of(lambda: poll(keeping))) is ProviderBadResponse


def test_an_unknown_task_is_rejected_or_lost(keeping: Vendor) -> None:
    keeping.server.will(keeping.wire.unknown_task())
    if keeping.wire.loses_work:
        assert poll(keeping) == RemoteState(RemoteStatus.LOST)
    else:
        assert type(failure_of(lambda: poll(keeping))) is ProviderRejected


def test_silent_work_is_given_up_only_where_nobody_bills(vendor: Vendor) -> None:
    bills_nothing = vendor.provider.profile.bills_nothing
    assert (vendor.provider.lost_after_seconds is not None) is bills_nothing
    assert bills_nothing or not vendor.wire.loses_work


def look_up(vendor: Vendor) -> object:
    return vendor.provider.look_up(GENERATION_ID)


def test_lost_work_is_found_by_our_own_reference_where_the_vendor_keeps_one(vendor: Vendor) -> None:
    answers = vendor.wire.look_ups(REMOTE_ID, GENERATION_ID)
    if answers is None:
        assert look_up(vendor) is None
        assert vendor.server.requests == []
        return
    vendor.will_say(*answers)
    assert look_up(vendor) == AcceptedCreate(REMOTE_ID)
    assert look_up(vendor) is None
    assert vendor.wire.lists_work or all(str(GENERATION_ID) in each.target for each in vendor.server.requests)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_a_look_up_is_that_of_a_read(vendor: Vendor, trouble: str) -> None:
    if vendor.wire.look_ups(REMOTE_ID, GENERATION_ID) is None:
        return
    answer, _, expected = TROUBLES[trouble]
    vendor.server.will(answer)
    if trouble == "404" and vendor.wire.may_lack_a_search:
        assert look_up(vendor) is None
    else:
        assert type(failure_of(lambda: look_up(vendor))) is expected


def test_a_check_says_that_the_account_is_good_and_what_is_left_of_it(vendor: Vendor) -> None:
    vendor.will_say(vendor.wire.checked())
    assert vendor.provider.check() == AccountState(credits=vendor.wire.balance)
    (asked,) = vendor.server.requests
    assert (asked.method, API_KEY in asked.headers[vendor.wire.key_header]) == ("GET", True)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_a_check_is_that_of_a_read(vendor: Vendor, trouble: str) -> None:
    answer, _, expected = TROUBLES[trouble]
    vendor.server.will(answer)
    assert type(failure_of(vendor.provider.check)) is expected


def callback_of(vendor: Vendor, remote_id: str = REMOTE_ID, *, at: float = NOW) -> Callback:
    callback = vendor.wire.callback(remote_id, at)
    assert callback is not None
    return callback


def test_a_callback_is_read_when_it_comes_at_once(calling: Vendor) -> None:
    callback = callback_of(calling)
    assert calling.provider.read_callback(callback.headers, callback.body).remote_id == REMOTE_ID


def test_a_callback_that_is_not_the_vendors_is_refused(signing: Vendor) -> None:
    true, other = callback_of(signing), callback_of(signing, "task_2")
    for refused in (
        Callback({}, true.body),
        Callback(other.headers, true.body),
        Callback({name: value + "\xe9" for name, value in true.headers.items()}, true.body),
        callback_of(signing, at=NOW - 301),
        callback_of(signing, at=NOW + 301),
    ):
        with pytest.raises(CallbackRefused):
            signing.provider.read_callback(refused.headers, refused.body)


def test_a_callback_that_cannot_be_read_is_refused(calling: Vendor) -> None:
    true = callback_of(calling)
    for body in (b"", b"\xff" + true.body, b"[" * 100_000):
        with pytest.raises(CallbackRefused):
            calling.provider.read_callback(true.headers, body)


def test_a_callback_may_be_five_minutes_late(calling: Vendor) -> None:
    callback = callback_of(calling, at=NOW - 300)
    assert calling.provider.read_callback(callback.headers, callback.body).remote_id == REMOTE_ID


def test_a_vendor_that_cannot_call_back_is_not_told_where_and_not_believed(silent: Vendor) -> None:
    silent.server.will(http(silent.wire.created, silent.wire.accepted(REMOTE_ID)))
    submit(silent)
    assert CALLBACK_URL.encode() not in silent.server.requests[0].body
    with pytest.raises(CallbackRefused):
        silent.provider.read_callback({}, silent.wire.accepted(REMOTE_ID))


def test_a_key_is_never_sent_to_another_host(vendor: Vendor) -> None:
    assert vendor.provider.result_request("https://media.example/1.png").headers == {}


def test_one_line_is_logged_for_a_call(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    vendor.server.will(http(vendor.wire.created, vendor.wire.accepted(REMOTE_ID)))
    with caplog.at_level(logging.DEBUG), own_logs() as lines:
        submit(vendor)
    assert own_records(caplog) == []
    (line,) = lines
    assert isinstance(line.pop("seconds"), float)
    assert line == {
        "event": "vendor_call",
        "log_level": "info",
        "provider": vendor.name,
        "operation": "submit",
        "status": vendor.wire.created,
        "failure": None,
    }
