"""fal's queue (https://fal.ai/docs): one API for the models of many makers.

The answer to a create has links for reading and cancelling the request. These links contain the owner and the app, not
the model's whole id. Reelworks stores the links and uses them. A request known only from a callback has no stored
links, so the adapter uses the paths that fal documents. Our key goes only to links below the account's base URL.

The status `COMPLETED` includes failures. A second call reads the result, and its HTTP status comes from the model.

**Cancelling.** "If the request is in the queue, fal removes it. If the request is in progress, fal sends a cancellation
signal to the runner. The model app decides how to stop the work" (https://fal.ai/docs/inference-api/queue/cancel). The
answer can be `CANCELLATION_REQUESTED` in both cases, and fal does not document the status of a removed request. So the
adapter reads the status first:

- A queued request counts as stopped. Its status may never change, and waiting would hold the customer's credits until
  the deadline.
- A running request counts as asked to stop. A model without a handler runs to its end and is billed; a poll tells.
- A request that starts between the two calls counts as stopped. At worst, fal bills that request.
"""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from pydantic import JsonValue, RootModel

from providers.adapters.fal import webhooks
from providers.adapters.fal.inputs import to_input, to_path
from providers.adapters.fal.wire import (
    NO_BALANCE,
    CancelAnswer,
    Created,
    LinkName,
    Notice,
    Progress,
    Refusal,
    error_code,
    request_path,
    to_failure,
    to_result,
    to_status,
)
from providers.adapters.payload import texts
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.adapters.words import no_news
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
from providers.webhooks import bodies, key_sets
from schemas.names import ProviderName
from schemas.provider_errors import ProviderError, ProviderQuotaExceeded
from schemas.setting_groups import ProviderSettings

KEYS_URL = "https://rest.fal.ai/.well-known/jwks.json"

# A request id that does not exist, of an app that exists.
_NOBODYS = RemoteRef("00000000-0000-0000-0000-000000000000", "fal-ai/pika")
_NOT_FOUND = 404
_FORBIDDEN = 403
# The header that names the type of an error (`src/response.ts` of @fal-ai/client).
_ERROR_TYPE = "x-fal-error-type"
# With one of these statuses, the cause is our account or fal, not the model.
_NOT_THE_MODELS = frozenset({401, 402, 403, 408, 429})


class _Output(RootModel[JsonValue]):
    """The result of a model. Its form depends on the model."""


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
        """Makes the adapter, without a call.

        Args:
            known_keys: fal's JWKS to start with.
        """
        super().__init__(name, settings, transport, clock=clock)
        fetch = key_sets.fetching(name, settings, transport, KEYS_URL)
        self._keys = key_sets.KeySet(fetch, webhooks.read_keys, clock, known=known_keys)

    def _submit(
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
            to_path(request.model, request.inputs),
            params=None if callback_url is None else {"fal_webhook": callback_url},
            body=to_input(request.model, request.inputs),
            fence=fence,
        )
        created = self._accepted(reply, Created, "a request id")
        return AcceptedCreate(created.request_id, created.links, ahead=created.queue_position)

    def _state(self, remote: RemoteRef) -> RemoteState:
        progress, reply = self._progress("poll", remote)
        match to_status(progress):
            case RemoteStatus.SUCCEEDED if not (progress.error or progress.error_type):
                return self._result(remote)
            case RemoteStatus.SUCCEEDED | RemoteStatus.FAILED:
                kind = progress.error_type or reply.headers.get(_ERROR_TYPE)
                return to_failure(kind, "; ".join(texts(progress.error)), error_code(kind))
            case RemoteStatus.UNKNOWN:
                return no_news(progress.status)
            case RemoteStatus.QUEUED:
                return RemoteState(RemoteStatus.QUEUED, ahead=progress.queue_position)
            case status:
                return RemoteState(status)

    def _cancel(self, remote: RemoteRef) -> Cancellation:
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

    def _check(self) -> AccountState:
        """Read a request that does not exist. fal checks the key before it answers that the request is unknown."""
        reply = self._account.call("check", "GET", self._path(_NOBODYS, "response"))
        if reply.status == _NOT_FOUND and reply.read(Refusal) is not None:
            return AccountState()
        raise self._error(reply)

    @property
    def verifies_callbacks(self) -> bool:
        """fal publishes its keys."""
        return True

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Verify and read a webhook. `providers.webhooks.key_sets` says when a webhook is accepted unverified."""
        is_signed = self._keys.check(lambda keys: webhooks.verify(keys, headers, body, now=self._clock()))
        notice = bodies.parse(body, Notice, "a webhook of fal's")
        return CallbackReading(notice.request_id, is_verified=is_signed)

    def _path(self, remote: RemoteRef, name: LinkName) -> str:
        """The path from the stored link, or else the path that fal documents."""
        told = self._account.path_of(remote.links.get(name, ""))
        return told or request_path(remote.model, remote.remote_id, name)

    def _progress(self, operation: str, remote: RemoteRef) -> tuple[Progress, Reply]:
        """The status of the request, and the reply that has it."""
        reply = self._account.call(operation, "GET", self._path(remote, "status"))
        progress = self._answer(reply, Progress)
        if progress.request_id not in {None, remote.remote_id}:
            raise reply.undocumented("the state of another request")
        return progress, reply

    def _result(self, remote: RemoteRef) -> RemoteState:
        """The result or the failure of a completed request. The HTTP status comes from the model."""
        reply = self._account.call("result", "GET", self._path(remote, "response"))
        if reply.is_success:
            return to_result(reply.require(_Output).root)
        refusal, kind = reply.read(Refusal), _kind(reply)
        if refusal is None or kind is None or reply.status in _NOT_THE_MODELS:
            raise self._error(reply)
        return to_failure(kind, refusal.text, error_code(kind, reply.status))

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for an account without credits."""
        refusal = reply.read(Refusal)
        if reply.status == _FORBIDDEN and refusal is not None and NO_BALANCE.search(refusal.text):
            return ProviderQuotaExceeded(f"{self.name} says that our account has no balance (HTTP {reply.status})")
        return super()._error(reply)

    def _told(self, reply: Reply) -> Told | None:
        refusal, kind = reply.read(Refusal), _kind(reply)
        if refusal is None:
            return None
        return Told(refusal.text, None if kind is None else error_code(kind, reply.status))


def _kind(reply: Reply) -> str | None:
    """The type of an error, from the body or from the header."""
    refusal = reply.read(Refusal)
    return (None if refusal is None else refusal.kind) or reply.headers.get(_ERROR_TYPE)
