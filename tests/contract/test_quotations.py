"""Rules for every adapter: whatever a vendor repeats of a request, no message has our keys or the customer's texts."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle, product
from typing import Final
from urllib.parse import quote
from uuid import UUID

from structlog.testing import capture_logs

from providers.base import Provider, RemoteRef
from providers.http.redaction import LONGEST
from schemas.callback_token import callback_url
from schemas.provider_errors import ProviderError
from tests.contract.conftest import Vendor
from tests.contract.raw_server import Answer, http
from tests.contract.wire import API_KEY, PROMPT

GENERATION_ID = UUID("8f1c0000-0000-4000-8000-000000000000")
REMOTE_ID = "task_1"
URL: Final = callback_url("https://gw.example", "secret", provider="kie", generation_id=GENERATION_ID)
TOKEN: Final = URL.partition("=")[2]
NEGATIVE: Final = "no ghosts from the customer's own attic"
PICTURE: Final = "https://pictures.example/private/1.png?signature=c2lnbmF0dXJlLW9mLWEtbGluaw"

ECHOES: Final = (
    f"Authorization: Bearer {API_KEY}",
    API_KEY,
    base64.b64encode(f"user:{API_KEY}".encode()).decode(),
    f"?api_key={quote(API_KEY, safe='')}",
    URL,
    quote(URL, safe=""),
    TOKEN,
    f'"{PROMPT}"',
    PROMPT.upper(),
    NEGATIVE,
    PICTURE,
)
PARTS: Final = (
    *(API_KEY, base64.b64encode(API_KEY.encode()).decode()[:16], TOKEN, PROMPT, PROMPT.upper(), NEGATIVE),
    *("pictures.example", "c2lnbmF0dXJlLW9mLWEtbGluaw"),
)
# A word of each echo that must stay: without it, the test would also pass for an adapter that quotes nothing.
MARK: Final = "lumina says"


def refusals() -> Iterator[Answer]:
    """Answers that refuse a create or a read, with the members in which vendors put their texts."""
    shapes = product((200, 400, 404, 422, 429, 500), (422, 1201, 1301), (False, True))
    for (status, code, is_object), echo in zip(shapes, cycle(ECHOES), strict=False):
        text = f"{MARK}: {echo}"
        error = {"message": text, "code": text, "type": text, "status": text} if is_object else text
        told = {"msg": text, "message": text, "detail": text, "title": text}
        yield http(status, json.dumps({"code": code, **told, "error": error}).encode())


def messages(call: Callable[[], object]) -> tuple[str, str]:
    """The texts of a call's error or state, and all that a log or a task could show of the call."""
    with capture_logs() as lines:
        try:
            told = call()
        except ProviderError as error:
            return error.message, f"{error!r} {error} {error.__cause__!r} {lines}"
    return f"{getattr(told, 'error_message', '')} {getattr(told, 'word', '')}", str(lines)


def submit(provider: Provider, vendor: Vendor) -> object:
    inputs = vendor.wire.request.inputs.model_copy(update={"negative_prompt": NEGATIVE})
    request = replace(vendor.wire.request, inputs=inputs)
    return provider.submit(request, callback_url=URL, generation_id=GENERATION_ID, fence=lambda: None)


def remote(vendor: Vendor) -> RemoteRef:
    return replace(vendor.remote(REMOTE_ID), prompt=PROMPT, texts=(PROMPT, NEGATIVE, PICTURE))


def check(vendor: Vendor, answers: Iterable[Answer], *calls: Callable[[Provider], object]) -> None:
    """Check the messages of these calls for each answer. At least one message quotes the vendor."""
    provider, is_quoted = vendor.provider, False
    for answer, call in product(answers, calls):
        vendor.server.will(answer)
        message, shown = messages(partial(call, provider))
        assert not [part for part in PARTS if part.lower() in f"{message} {shown}".lower()], message
        assert len(message) <= LONGEST + len(" None")
        is_quoted = is_quoted or MARK in message
    assert is_quoted, "no message quotes the vendor"


def test_refused_create_says_nothing_of_ours(vendor: Vendor) -> None:
    check(vendor, refusals(), lambda provider: submit(provider, vendor))


def test_failed_state_says_nothing_of_ours(keeping: Vendor) -> None:
    failed = [http(200, keeping.wire.failed(REMOTE_ID, f"{MARK}: {echo}")) for echo in ECHOES]
    check(keeping, failed, lambda provider: provider.poll(remote(keeping)))


def test_refused_read_says_nothing_of_ours(keeping: Vendor) -> None:
    poll, cancel = (
        (lambda provider: provider.poll(remote(keeping))),
        (lambda provider: provider.cancel(remote(keeping))),
    )
    check(keeping, refusals(), poll, cancel)
