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
from uuid import UUID

from pydantic import JsonValue, RootModel, ValidationError

from providers.adapters.fal import webhooks
from providers.adapters.fal.wire import (
    CancelAnswer,
    Created,
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
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.base import (
    AcceptedCreate,
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.calls import Reply
from providers.http.transport import Transport
from providers.webhooks import key_sets
from schemas.errors import CallbackRefused
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

KEYS_URL = "https://rest.fal.ai/.well-known/jwks.json"

# A request that nobody made, of an app that is there.
_NOBODYS = RemoteRef("00000000-0000-0000-0000-000000000000", "fal-ai/pika")
_NOT_FOUND = 404
# A result with one of these says nothing of the model: it is our account's trouble, or fal's.
_NOT_THE_MODELS = frozenset({401, 402, 403, 408, 429})


class _Output(RootModel[dict[str, JsonValue]]):
    """What a model made; its form is the model's own."""


class Fal(VendorAdapter):
    """A fal account."""

    profile = Profile(
        title="fal",
        base_url="https://queue.fal.run",
        key_scheme="Key",
        calls_back=True,
        signs_callbacks=True,
        cancels=True,
    )

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
        super().__init__(name, settings, transport, clock=clock)
        fetch = key_sets.fetching(name, settings, transport, KEYS_URL)
        self._keys = key_sets.KeySet(fetch, webhooks.read_keys, clock, known=known_keys)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- fal stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> AcceptedCreate:
        reply = self._account.call(
            "submit",
            "POST",
            f"/{request.model}",
            params=None if callback_url is None else {"fal_webhook": callback_url},
            body=to_input(request.model, request.inputs),
            fence=fence,
        )
        created = self._accepted(reply, Created, "a request id", prompt=request.inputs.prompt)
        return AcceptedCreate(created.request_id, created.links)

    def _state(self, remote: RemoteRef) -> RemoteState:
        progress, reply = self._progress("poll", remote)
        status = to_status(progress)
        if status is not RemoteStatus.SUCCEEDED:
            return RemoteState(status)
        if progress.error or progress.error_type:
            text = self._account.quotable(progress.error if isinstance(progress.error, str) else "", reply)
            return to_failure(progress.error_type, text, error_code(progress.error_type))
        return self._result(remote)

    def cancel(self, remote: RemoteRef) -> Cancellation:
        progress, _ = self._progress("cancel", remote)
        status = to_status(progress)
        if status is RemoteStatus.SUCCEEDED:
            return Cancellation.IMPOSSIBLE
        reply = self._account.call("cancel", "PUT", self._path(remote, "cancel"))
        answer = reply.read(CancelAnswer)
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
        if reply.status == _NOT_FOUND and reply.read(Refusal) is not None:
            return AccountState()
        raise self._error(reply)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Read a webhook; how far its signature is checked, `webhooks` says."""
        is_signed = self._keys.check(lambda keys: webhooks.verify(keys, headers, body, now=self._clock()))
        try:
            return CallbackReading(Notice.model_validate_json(body).request_id, is_verified=is_signed)
        except ValidationError:
            raise CallbackRefused("the body is not a webhook of fal's") from None

    def _path(self, remote: RemoteRef, name: LinkName) -> str:
        """Where the accept said, or where fal documents it to be."""
        told = self._account.path_of(remote.links.get(name, ""))
        return told or request_path(remote.model, remote.remote_id, name)

    def _progress(self, operation: str, remote: RemoteRef) -> tuple[Progress, Reply]:
        """Where the request that was asked for stands, and the reply that said so."""
        reply = self._account.call(operation, "GET", self._path(remote, "status"))
        progress = self._answer(reply, Progress)
        if progress.request_id not in {None, remote.remote_id}:
            raise reply.undocumented("the state of another request")
        return progress, reply

    def _result(self, remote: RemoteRef) -> RemoteState:
        """What became of a request that ended; the HTTP status is the model's own."""
        reply = self._account.call("result", "GET", self._path(remote, "response"))
        if reply.is_success:
            return to_result(reply.require(_Output).root)
        refusal = reply.read(Refusal)
        if refusal is None or refusal.kind is None or reply.status in _NOT_THE_MODELS:
            raise self._error(reply)
        text = self._account.quotable(refusal.text, reply)
        return to_failure(refusal.kind, text, error_code(refusal.kind, reply.status))

    def _told(self, reply: Reply) -> Told | None:
        refusal = reply.read(Refusal)
        if refusal is None:
            return None
        return Told(refusal.text, None if refusal.kind is None else error_code(refusal.kind, reply.status))
