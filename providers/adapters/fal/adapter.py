"""fal's queue (https://fal.ai/docs): one wire for the models of many makers.

A request is read and cancelled where its accept said, at links that we store: they name the owner and the app alone,
not the model's whole id. One that a callback told us of has none, and is asked for where fal documents it to be. Our
key goes only to links below the account's own address.

`COMPLETED` is said of failures, too: the result is a second read, and its HTTP status is the model's own.

**Cancelling.** "If the request is in the queue, fal removes it. If the request is in progress, fal sends a cancellation
signal to the runner. The model app decides how to stop the work" (https://fal.ai/docs/inference-api/queue/cancel). Both
may be answered `CANCELLATION_REQUESTED`, and what state a removed request shows, fal does not say. So the state is read
first. What was queued is stopped: there will be nothing to read, and waiting for a state that may never come would hold
the customer's credits until the deadline. What ran is only asked to stop: a model without a handler runs to its end, is
billed, and its state tells. A request that begins between the two calls counts as stopped; at worst fal bills us that
one.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from providers.account import Account
from providers.adapters.fal import webhooks
from providers.adapters.fal.wire import (
    Accepted,
    CancelAnswer,
    LinkName,
    Notice,
    Progress,
    Refusal,
    error_code,
    request_path,
    to_failure,
    to_input,
    to_result,
    to_status,
)
from providers.base import (
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    InputsRead,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
    Submission,
)
from providers.http.calls import Reply
from providers.http.transport import Transport
from providers.webhooks import key_sets
from schemas.errors import CallbackRefused, ProviderError, ProviderRejected
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://queue.fal.run"
KEYS_URL = "https://rest.fal.ai/.well-known/jwks.json"

# A request that nobody made, of an app that is there.
_NOBODYS = RemoteRef("00000000-0000-0000-0000-000000000000", "fal-ai/pika")
_NOT_FOUND = 404
# A result with one of these says nothing of the model: it is our account's trouble, or fal's.
_NOT_THE_MODELS = frozenset({401, 402, 403, 408, 429})

_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])

P = TypeVar("P", bound=BaseModel)


class Fal:
    """A fal account."""

    calls_back = True
    reads_inputs = InputsRead.NONE
    create_seconds = None
    poll_seconds = 0.0

    def __init__(
        self,
        name: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
        known_keys: bytes | None = None,
    ) -> None:
        """Describes the account; calls nobody.

        Args:
            known_keys: fal's JWKS, if it was read before.
        """
        self.name = name
        self._account = Account(name, settings, transport, base_url=BASE_URL, scheme="Key")
        self._clock = clock
        # Whoever stands in for fal has the set at the same address.
        base_url = settings.base_url.rstrip("/")
        url = f"{base_url}/.well-known/jwks.json" if base_url else KEYS_URL
        fetch = key_sets.fetching(name, transport, url, timeout_seconds=settings.timeout_seconds)
        self._keys = key_sets.KeySet(fetch, webhooks.read_keys, clock, known=known_keys)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- fal stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> Submission:
        reply = self._account.call(
            "submit",
            "POST",
            f"/{request.model}",
            params=None if callback_url is None else {"fal_webhook": callback_url},
            body=to_input(request.model, request.inputs),
            fence=fence,
        )
        accepted = _read(Accepted, reply)
        if accepted is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and a request id at once")
        return Submission(accepted.request_id, accepted.links)

    def poll(self, remote: RemoteRef) -> RemoteState:
        progress = self._progress("poll", remote)
        status = to_status(progress)
        if status is not RemoteStatus.SUCCEEDED:
            return RemoteState(status)
        if progress.error or progress.error_type:
            text = self._account.quotable(progress.error if isinstance(progress.error, str) else "")
            return to_failure(progress.error_type, text, error_code(progress.error_type))
        return self._result(remote)

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- fal stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:
        status = to_status(self._progress("cancel", remote))
        if status is RemoteStatus.SUCCEEDED:
            return Cancellation.IMPOSSIBLE
        reply = self._account.call("cancel", "PUT", self._path(remote, "cancel"))
        answer = _read(CancelAnswer, reply)
        match answer.status if answer is not None else None:
            case "OK":
                return Cancellation.STOPPED
            case "CANCELLATION_REQUESTED":
                return Cancellation.STOPPED if status is RemoteStatus.QUEUED else Cancellation.REQUESTED
            case "ALREADY_COMPLETED":
                return Cancellation.IMPOSSIBLE
            case None:
                raise self._error(reply)
            case _ if reply.is_success:
                raise reply.undocumented("another word")
            case _:
                raise reply.error()

    def check(self) -> AccountState:
        """Ask for a request that nobody made: fal looks at the key before it says that there is none."""
        reply = self._account.call("check", "GET", self._path(_NOBODYS, "response"))
        if reply.status == _NOT_FOUND and _read(Refusal, reply) is not None:
            return AccountState()
        raise self._error(reply)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Read a webhook; how far its signature is checked, `webhooks` says."""
        if keys := self._keys.known():
            try:
                webhooks.verify(keys, headers, body, now=self._clock())
            except CallbackRefused:
                self._keys.refresh_soon()
                raise
        try:
            return CallbackReading(Notice.model_validate_json(body).request_id, is_verified=bool(keys))
        except ValidationError:
            raise CallbackRefused("the body is not a webhook of fal's") from None

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)

    def _path(self, remote: RemoteRef, name: LinkName) -> str:
        """Where the accept said, or where fal documents it to be."""
        told = self._account.path_of(remote.links.get(name, ""))
        return told or request_path(remote.model, remote.remote_id, name)

    def _progress(self, operation: str, remote: RemoteRef) -> Progress:
        """Where the request that was asked for stands."""
        reply = self._account.call(operation, "GET", self._path(remote, "status"))
        progress = _read(Progress, reply) if reply.is_success else None
        if progress is None:
            raise self._error(reply)
        if progress.request_id not in {None, remote.remote_id}:
            raise reply.undocumented("the state of another request")
        return progress

    def _result(self, remote: RemoteRef) -> RemoteState:
        """What became of a request that ended; the HTTP status is the model's own."""
        reply = self._account.call("result", "GET", self._path(remote, "response"))
        if reply.is_success:
            try:
                output = _OBJECT.validate_json(reply.content)
            except ValidationError:
                raise reply.unreadable() from None
            return to_result(output)
        refusal = _read(Refusal, reply)
        if refusal is None or refusal.kind is None or reply.status in _NOT_THE_MODELS:
            raise self._error(reply)
        text = self._account.quotable(refusal.text)
        return to_failure(refusal.kind, text, error_code(refusal.kind, reply.status))

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without what was asked for: the HTTP status is fal's verdict."""
        error = reply.unreadable()
        refusal = _read(Refusal, reply)
        if type(error) is not ProviderRejected or refusal is None:
            return error
        text = self._account.quotable(refusal.text, prompt=prompt)
        code = None if refusal.kind is None else error_code(refusal.kind, reply.status)
        return ProviderRejected(f"{error.message}: {text}" if text else error.message, code=code)


def _read(form: type[P], reply: Reply) -> P | None:
    try:
        return form.model_validate_json(reply.content)
    except ValidationError:
        return None
