"""Every adapter in front of answers that differ from the vendor's documents.

An answer that says that the work has ended is the end of the work, in whatever form: a poll never waits for more. A
word that nobody knows is no news.
"""

import json
from collections.abc import Iterator

import pytest

from providers.base import RemoteRef, RemoteState, RemoteStatus
from providers.files.downloads import open_download
from schemas.enums import ErrorCode, Kind
from schemas.provider_errors import ProviderRejected
from tests.contract.conftest import Vendor
from tests.contract.mutations import (
    DATA_LINK,
    FILE,
    KEEPING_THE_RESULT,
    LOSSES,
    Rule,
    in_other_cases,
    with_data_links,
    with_fewer_members,
    with_more_members,
    with_numbers_as_texts,
    with_other_explanations,
    with_spaces,
    with_synonyms,
)
from tests.contract.raw_server import http
from tests.contract.rig import DOWNLOADS
from tests.contract.test_providers import REMOTE_ID, submit
from tests.contract.wire import API_KEY, PROMPT

LINK = "https://media.example/1.png?sig=x"
REASON = "the model is on fire"

Reads = bytes | tuple[bytes, ...]


def mutated(reads: Reads, rule: Rule) -> Iterator[tuple[bytes, ...]]:
    """The reads of a state, of which the rule changes one."""
    bodies = reads if isinstance(reads, tuple) else (reads,)
    for place, body in enumerate(bodies):
        for changed in rule(body):
            yield (*bodies[:place], changed, *bodies[place + 1 :])


def has_link(bodies: tuple[bytes, ...]) -> bool:
    """Whether the answer says where the result is."""
    return any(LINK.encode() in body or b"gs://" in body for body in bodies)


def polled(vendor: Vendor, bodies: tuple[bytes, ...]) -> RemoteState:
    """The state that a poll reads in these answers."""
    vendor.server.answers.clear()
    vendor.will_say(bodies)
    remote = vendor.remote(REMOTE_ID)
    return vendor.provider.poll(RemoteRef(remote.remote_id, remote.model, prompt=PROMPT))


@pytest.mark.parametrize("rule", KEEPING_THE_RESULT)
def test_success_in_another_form_is_success(keeping: Vendor, rule: str) -> None:
    answer = keeping.wire.succeeded(REMOTE_ID, [LINK])
    expected = keeping.wire.results(keeping.server.url, REMOTE_ID, [LINK])
    for bodies in mutated(answer, KEEPING_THE_RESULT[rule]):
        state = polled(keeping, bodies)
        assert (state.status, state.result_urls) == (RemoteStatus.SUCCEEDED, expected), bodies


def test_the_rules_change_the_answers_of_every_vendor(keeping: Vendor) -> None:
    succeeded, failed = keeping.wire.succeeded(REMOTE_ID, [LINK]), keeping.wire.failed(REMOTE_ID, REASON)
    # Kie's Veo and Vertex tell the state by a flag.
    has_word = not any(flag in body for body in _all(succeeded) for flag in (b'"successFlag"', b'"done"'))
    for rule in ("more members", *(("case", "synonyms") if has_word else ())):
        assert any(mutated(succeeded, KEEPING_THE_RESULT[rule])), rule
        assert any(mutated(failed, FAILURES[rule])), rule
    assert any(mutated(failed, with_other_explanations))
    assert any(mutated(succeeded, with_fewer_members))


@pytest.mark.parametrize("rule", LOSSES)
def test_success_with_missing_members_is_an_end(keeping: Vendor, rule: str) -> None:
    answer = keeping.wire.succeeded(REMOTE_ID, [LINK])
    expected = keeping.wire.results(keeping.server.url, REMOTE_ID, [LINK])
    for bodies in mutated(answer, LOSSES[rule]):
        state = polled(keeping, bodies)
        if state.status is RemoteStatus.FAILED:
            assert not has_link(bodies) or not has_link(_all(answer)), bodies
            assert (state.error_code, state.result_urls) == (ErrorCode.PROVIDER_FAILED, []), bodies
            assert state.error_message == f"{keeping.name} reported success without a result"
        else:
            assert (state.status, state.result_urls) == (RemoteStatus.SUCCEEDED, expected), bodies


def test_result_that_is_a_data_uri_is_fetched_from_the_answer(keeping: Vendor) -> None:
    answer = keeping.wire.succeeded(REMOTE_ID, [LINK])
    for bodies in mutated(answer, with_data_links):
        if b"data:image/png" not in b"".join(bodies) or keeping.name == "vertex":
            continue  # the adapter takes no links
        state = polled(keeping, bodies)
        assert state.status is RemoteStatus.SUCCEEDED, bodies
        keeping.will_say(bodies[-1])
        wanted = keeping.provider.result_request(state.result_urls[0])
        with open_download(wanted, DOWNLOADS, kind=Kind.IMAGE) as download:
            assert download.read() == FILE
        assert API_KEY in keeping.server.requests[-1].headers[keeping.wire.key_header]


def test_result_that_is_no_link_fails_at_once(keeping: Vendor) -> None:
    *first, last = _all(keeping.wire.succeeded(REMOTE_ID, [LINK]))
    broken = last.replace(LINK.encode(), b"a picture of a lighthouse").replace(b"gs://films", b"films")
    if broken == last:
        return  # the answer has no link
    state = polled(keeping, (*first, broken))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message is not None
    assert state.error_message.startswith(f"{keeping.name} reported success with")


def _all(reads: Reads) -> tuple[bytes, ...]:
    return reads if isinstance(reads, tuple) else (reads,)


def test_space_in_a_link_is_encoded(keeping: Vendor) -> None:
    for bodies in mutated(keeping.wire.succeeded(REMOTE_ID, [LINK]), with_spaces):
        if LINK.encode() in b"".join(bodies):
            assert polled(keeping, bodies).result_urls == [f"{LINK}&name=my%20file.png"]


FAILURES: dict[str, Rule] = {
    "case": in_other_cases,
    "synonyms": with_synonyms(RemoteStatus.FAILED),
    "more members": with_more_members,
    "fewer members": with_fewer_members,
    "numbers as texts": with_numbers_as_texts,
    "explanations": with_other_explanations,
}


@pytest.mark.parametrize("rule", FAILURES)
def test_failure_in_another_form_is_failure(keeping: Vendor, rule: str) -> None:
    for bodies in mutated(keeping.wire.failed(REMOTE_ID, REASON), FAILURES[rule]):
        state = polled(keeping, bodies)
        assert state.status is RemoteStatus.FAILED, bodies
        assert state.error_message is not None
        if rule != "fewer members":
            assert REASON in state.error_message, bodies


@pytest.mark.parametrize("rule", [in_other_cases, with_synonyms(RemoteStatus.CANCELLED), with_more_members])
def test_cancelled_work_in_another_form_is_cancelled(telling: Vendor, rule: Rule) -> None:
    answer = telling.wire.cancelled(REMOTE_ID)
    assert answer is not None
    for bodies in mutated(answer, rule):
        assert polled(telling, bodies).status is RemoteStatus.CANCELLED, bodies


@pytest.mark.parametrize(
    "rule", [in_other_cases, with_synonyms(RemoteStatus.RUNNING), with_more_members, with_numbers_as_texts]
)
def test_running_work_in_another_form_is_running(keeping: Vendor, rule: Rule) -> None:
    for bodies in mutated(keeping.wire.running(REMOTE_ID), rule):
        assert polled(keeping, bodies).status is RemoteStatus.RUNNING, bodies


def test_word_that_nobody_knows_is_no_news(keeping: Vendor) -> None:
    state = polled(keeping, (keeping.wire.unknown_state(REMOTE_ID),))
    assert state.status is RemoteStatus.UNKNOWN
    assert state.word is not None
    assert state.word.casefold() in {"pondering", "4"}


def test_word_that_nobody_knows_is_short_and_has_no_secrets(keeping: Vendor) -> None:
    word = f"pondering\\n\\u0000{API_KEY} {PROMPT} https://x.example/?key=1 {'x' * 5000}"
    body = keeping.wire.unknown_state(REMOTE_ID)
    told = body.replace(b'"pondering"', f'"{word}"'.encode()).replace(b'"PONDERING"', f'"{word}"'.encode())
    shown = polled(keeping, (told,)).word
    assert shown is not None
    assert len(shown) <= 60
    assert shown.isprintable()
    assert not [secret for secret in (API_KEY, PROMPT[:30], "x.example") if secret in shown]


def test_state_without_a_word_is_no_news(keeping: Vendor) -> None:
    running = keeping.wire.running(REMOTE_ID)
    if isinstance(running, tuple):
        return  # the place in a queue is the state: there is no word
    document = json.loads(running)
    holder = document.get("data", document)
    holder = holder[0] if isinstance(holder, list) else holder
    for name in ("status", "state", "task_status", "successFlag"):
        if name in holder:
            holder[name] = {"odd": "form"}
            assert polled(keeping, (json.dumps(document).encode(),)).status is RemoteStatus.UNKNOWN


def test_id_that_is_a_number_is_the_same_id(keeping: Vendor) -> None:
    if keeping.wire.remote_id("12345") != "12345" or keeping.name == "comfyui":
        return  # the id is a path, or the name of a member
    keeping.will_say(*(body.replace(b'"12345"', b"12345") for body in _all(keeping.wire.succeeded("12345", [LINK]))))
    state = keeping.provider.poll(keeping.remote("12345"))
    assert state.result_urls == keeping.wire.results(keeping.server.url, "12345", [LINK])


def test_create_that_names_its_work_by_a_number_is_accepted(keeping: Vendor) -> None:
    if keeping.wire.remote_id("12345") != "12345" or keeping.name == "comfyui":
        return  # the id is a path, or ours
    keeping.server.will(http(keeping.wire.created, keeping.wire.accepted("12345").replace(b'"12345"', b"12345")))
    assert submit(keeping).remote_id == "12345"


@pytest.mark.parametrize("rule", [in_other_cases, with_more_members, with_numbers_as_texts])
def test_create_in_another_form_is_accepted(keeping: Vendor, rule: Rule) -> None:
    for (body,) in mutated(keeping.wire.accepted(REMOTE_ID), rule):
        keeping.server.answers.clear()
        keeping.server.will(http(keeping.wire.created, body))
        assert submit(keeping).remote_id == keeping.wire.remote_id(REMOTE_ID), body


def test_result_of_a_create_that_is_a_data_uri_is_kept(at_once: Vendor) -> None:
    answer = at_once.wire.finished_at_once(REMOTE_ID, DATA_LINK)
    assert answer is not None
    at_once.server.will(http(200, answer))
    accepted = submit(at_once)
    assert (accepted.file, accepted.is_finished, accepted.links) == (FILE, True, {})


def test_result_of_a_create_that_is_a_path_is_at_the_accounts_address(at_once: Vendor) -> None:
    answer = at_once.wire.finished_at_once(REMOTE_ID, "/files/1.png")
    assert answer is not None
    at_once.server.will(http(200, answer))
    accepted = submit(at_once)
    remote = RemoteRef(accepted.remote_id, at_once.wire.request.model, accepted.links)
    assert at_once.provider.poll(remote).result_urls == [f"{at_once.server.url}/files/1.png"]


def test_create_that_is_finished_without_a_result_fails_at_once(at_once: Vendor) -> None:
    answer = at_once.wire.finished_at_once(REMOTE_ID, "")
    assert answer is not None
    at_once.server.will(http(200, answer))
    with pytest.raises(ProviderRejected) as caught:
        submit(at_once)
    assert caught.value.code is ErrorCode.PROVIDER_FAILED
