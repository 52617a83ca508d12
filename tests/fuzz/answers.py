"""Vendors' answers and callbacks. Each adapter gives a state that can be stored, or one of the declared errors."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from providers.adapters.fal import webhooks as fal_webhooks
from providers.adapters.gemini import webhooks as gemini_webhooks
from providers.base import AcceptedCreate, Provider, RemoteRef, RemoteState, RemoteStatus
from providers.http.transport import Transport
from providers.http.urls import web_url
from schemas.errors import CallbackRefused
from schemas.provider_errors import ProviderError
from schemas.text import name, prose
from tasks.troubles import loggable
from tests.contract.raw_server import Answer, Request
from tests.contract.wire import API_KEY, PROMPT, WEBHOOK_KEY, Wire
from tests.contract.wires import FURTHER_WIRES, WIRES
from tests.fuzz.changes import changed_bytes, changed_text
from tests.fuzz.target import Target

NOW = 1_700_000_000.0
_GENERATION = UUID("8f1c0000-0000-4000-8000-000000000000")
_TASK = "task_1"
_LINK = "https://media.example/1.png?sig=x"
_EVERY: Mapping[str, Wire] = {**WIRES, **FURTHER_WIRES}
_KEY_SETS: Mapping[str, Callable[[bytes], object]] = {
    "fal": fal_webhooks.read_keys,
    "gemini": gemini_webhooks.read_keys,
}
_STATUSES = (200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 409, 422, 429, 500, 503)
_SECRETS = (f"{PROMPT} {API_KEY}", API_KEY, PROMPT, _LINK, "data:image/png;base64,iVBORw0KGgo=")
_HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"content-encoding": "gzip"},
    {"content-encoding": "br"},
    {"retry-after": "1"},
    {"retry-after": "9" * 99},
)


def check(case: bytes) -> None:
    """The adapter reads the answers, or refuses them in words that hold no secret."""
    told = json.loads(case)
    if told["call"] == "keys":
        _KEY_SETS[told["vendor"]](_bytes(told["answers"][0]["body"]))
        return
    wire = _EVERY[told["vendor"]]
    transport = Transport(http=_Network(told["answers"]))
    provider = wire.provider("https://vendor.example", transport, lambda: NOW, 30)
    try:
        found = _CALLS[told["call"]](provider, wire, told["answers"][-1])
    except CallbackRefused as error:
        _check_text(str(error))
    except ProviderError as error:
        # A customer sees the reason of a refused create. The text of a refused read is not shown.
        _check_text(error.message if told["call"] == "submit" else loggable(error))
    else:
        _check_found(provider, found)


@dataclass
class _Network(httpx.BaseTransport):
    """Answers each request with the next answer, and none after the last."""

    answers: list[dict[str, Any]]
    """The answers."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if not self.answers:
            raise httpx.ConnectError("the case has no more answers")
        answer = self.answers.pop(0)
        return httpx.Response(
            answer["status"], headers=answer["headers"], stream=httpx.ByteStream(_bytes(answer["body"]))
        )


def _remote(wire: Wire) -> RemoteRef:
    return RemoteRef(wire.remote_id(_TASK), wire.request.model, prompt=PROMPT)


def _submitted(provider: Provider, wire: Wire, _: object) -> object:
    return provider.submit(
        wire.request, callback_url="https://gw.example/callbacks", generation_id=_GENERATION, fence=lambda: None
    )


def _callback(provider: Provider, _: Wire, answer: dict[str, Any]) -> object:
    return provider.read_callback(answer["headers"], _bytes(answer["body"]))


_CALLS: Mapping[str, Callable[[Provider, Wire, dict[str, Any]], object]] = {
    "submit": _submitted,
    "poll": lambda provider, wire, _: provider.poll(_remote(wire)),
    "cancel": lambda provider, wire, _: provider.cancel(_remote(wire)),
    "look_up": lambda provider, _, __: provider.look_up(_GENERATION),
    "check": lambda provider, _, __: provider.check(),
    "callback": _callback,
}


def _check_found(provider: Provider, found: object) -> None:
    """What is stored fits into the database, and what a customer sees holds no secret."""
    match found:
        case AcceptedCreate():
            assert 0 < len(name(found.remote_id)) < 1000
            for link in found.links.values():
                name(link)
        case RemoteState():
            _check_state(found)
            for url in found.result_urls:
                _check_link(provider, name(url))
        case _:
            repr(found).encode()


def _check_link(provider: Provider, link: str) -> None:
    """The worker that fetches the result gets a URL, or a declared error."""
    try:
        wanted = provider.result_request(link)
    except ProviderError as error:
        _check_text(loggable(error))
    else:
        web_url(wanted.url)


def _check_state(state: RemoteState) -> None:
    _check_text(state.error_message or "")
    assert state.progress is None or 0 <= state.progress <= 1
    assert state.provider_credits is None or state.provider_credits.is_finite()
    assert (state.error_code is not None) == (state.status is RemoteStatus.FAILED)
    assert bool(state.result_urls) == (state.status is RemoteStatus.SUCCEEDED)
    if state.word is not None:
        assert len(name(state.word)) < 100


def _check_text(text: str) -> None:
    prose(text).encode()
    assert len(text) < 1000
    assert not [secret for secret in (API_KEY, PROMPT, WEBHOOK_KEY) if secret in text], text


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _case(vendor: str, call: str, answers: list[dict[str, Any]]) -> bytes:
    return json.dumps({"vendor": vendor, "call": call, "answers": answers}).encode()


def _answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"status": status, "headers": dict(headers or {}), "body": body.decode("latin-1")}


def cases(kept: Mapping[str, bytes]) -> Mapping[str, SearchStrategy[bytes]]:
    """The answers of each vendor, with changes to the document, the bytes, the status and the headers."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in (*_answered(), *_called_back(), *_key_sets(), *map(json.loads, kept.values())):
        groups.setdefault(case["vendor"], []).append(case)
    return {vendor: st.sampled_from(whole).flatmap(_changed) for vendor, whole in groups.items()}


@st.composite
def _changed(draw: DrawFn, case: dict[str, Any]) -> bytes:
    answers = [dict(each) for each in case["answers"]]
    number = draw(st.integers(0, len(answers) - 1))
    answer = answers[number]
    body = draw(changed_text(_bytes(answer["body"]), _SECRETS))
    if case["call"] not in {"callback", "keys"}:
        answer["status"] = draw(st.sampled_from([answer["status"]] * len(_STATUSES) + list(_STATUSES)))
        answer["headers"] = draw(st.sampled_from([{}] * len(_HEADERS) + list(_HEADERS)))
        if answer["headers"].get("content-encoding") == "gzip":
            body = draw(st.just(gzip.compress(body, mtime=0)) | changed_bytes([gzip.compress(body, mtime=0)]))
    else:
        answer["headers"] = {**answer["headers"], **draw(_other_headers(answer["headers"]))}
    answer["body"] = body.decode("latin-1")
    return _case(case["vendor"], case["call"], answers)


def _other_headers(headers: Mapping[str, str]) -> SearchStrategy[dict[str, str]]:
    """Nothing, or another value of a header. A server gives header values as Latin-1."""
    if not headers:
        return st.just({})
    return st.just({}) | st.dictionaries(st.sampled_from(sorted(headers)), st.text(st.characters(max_codepoint=255)))


def _answered() -> Iterator[dict[str, Any]]:
    for vendor, wire in _EVERY.items():
        for call, told in _told(wire).items():
            status = wire.created if call == "submit" else 200
            for each in told:
                reads = each if isinstance(each, tuple) else (each,)
                answers = [
                    _answer(read if isinstance(read, bytes) else _body_of(read), status) for read in reads if read
                ]
                if answers:
                    yield {"vendor": vendor, "call": call, "answers": answers}


def _told(wire: Wire) -> Mapping[str, list[bytes | tuple[bytes, ...] | Answer | None]]:
    """The answers of a vendor to each call."""
    failed = wire.failed(_TASK, f"the prompt {PROMPT!r} is refused")
    states = [
        wire.queued(_TASK),
        wire.running(_TASK),
        wire.succeeded(_TASK, [_LINK]),
        wire.succeeded_with_nothing(_TASK),
        failed,
        wire.cancelled(_TASK),
        wire.unknown_state(_TASK),
        wire.unknown_task(),
    ]
    return {
        "submit": [wire.accepted(_TASK), wire.finished_at_once(_TASK, _LINK), failed],
        "poll": states,
        "cancel": [*states, wire.stopped()],
        "look_up": list(wire.look_ups(_TASK, _GENERATION) or ()),
        "check": [wire.checked()],
    }


def _body_of(answer: Answer) -> bytes:
    """The body that an answer of the tests' server writes."""
    sent: list[bytes] = []

    class Connection:
        sendall = sent.append

    answer(Request("GET", "/", {}, b""), cast("socket.socket", Connection()))
    return b"".join(sent).partition(b"\r\n\r\n")[2]


def _called_back() -> Iterator[dict[str, Any]]:
    for vendor, wire in _EVERY.items():
        callback = wire.callback(_TASK, NOW)
        if callback is not None:
            yield {"vendor": vendor, "call": "callback", "answers": [_answer(callback.body, headers=callback.headers)]}


def _key_sets() -> Iterator[dict[str, Any]]:
    keys = [
        {"kty": "OKP", "crv": "Ed25519", "x": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"},
        {
            "kty": "RSA",
            "kid": "1",
            "use": "sig",
            "alg": "RS256",
            "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri",
            "e": "AQAB",
        },
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
    ]
    for vendor in _KEY_SETS:
        yield {"vendor": vendor, "call": "keys", "answers": [_answer(json.dumps({"keys": keys}).encode())]}


ANSWERS = Target("answers", cases, check)
