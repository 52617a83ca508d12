"""The Gemini API (https://ai.google.dev/gemini-api/docs): videos by Gemini Omni, images by Nano Banana.

Each work is an interaction in the background. Input images and videos are sent as bytes, because Google does not accept
every link to another host for an image, and none for a video. Google does not document the charge for a cancelled
interaction.
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from providers.adapters.gemini import results, webhooks
from providers.adapters.gemini.wire import (
    API,
    INTERACTIONS,
    REVISION,
    Created,
    ErrorBody,
    Interaction,
    Refusal,
    to_body,
    to_cancellation,
    to_status,
)
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.adapters.words import no_news
from providers.base import (
    AcceptedCreate,
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    InputsRead,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
    ResultRequest,
)
from providers.http.calls import Reply
from providers.http.transport import EMBEDDED_FILE, Transport
from providers.webhooks import key_sets
from schemas.limits import Refusal as AccountRefusal
from schemas.names import ProviderName
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.setting_groups import ProviderSettings

KEYS_URL = "https://generativelanguage.googleapis.com/.well-known/jwks.json"

# The reason for a wrong key, with HTTP 400: https://ai.google.dev/gemini-api/docs/generate-content/api-errors
_WRONG_KEY = "API_KEY_INVALID"
# Google's front end can put an error into a list.
_REFUSALS: TypeAdapter[Refusal | list[Refusal]] = TypeAdapter(Refusal | list[Refusal])


class _Models(BaseModel):
    model_config = ConfigDict(extra="ignore")

    models: list[JsonValue]


class Gemini(VendorAdapter):
    """A project of the Gemini API."""

    profile = Profile(
        title="the Gemini API",
        base_url="https://generativelanguage.googleapis.com",
        key_header="x-goog-api-key",
        key_scheme="",
        headers={"Api-Revision": REVISION},
        # A create can contain a video of tens of megabytes.
        create_seconds=180.0,
        reads_inputs=InputsRead.ALL,
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
            known_keys: Google's JWKS to start with.
        """
        super().__init__(name, settings, transport, clock=clock)
        fetch = key_sets.fetching(name, settings, transport, KEYS_URL)
        self._keys = key_sets.KeySet(fetch, webhooks.read_keys, clock, known=known_keys)

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- Google stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> AcceptedCreate:
        body = to_body(request.model, request.inputs, request.files, callback_url=callback_url)
        reply = self._account.call("submit", "POST", INTERACTIONS, body=body, fence=fence, elide=results.EMBEDDED)
        return AcceptedCreate(self._accepted(reply, Created, "an interaction").id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        interaction = self._read("poll", "GET", remote, "")
        match to_status(interaction):
            case RemoteStatus.SUCCEEDED:
                return results.to_success(interaction, remote, self._account)
            case RemoteStatus.FAILED:
                return results.to_failure(interaction)
            case RemoteStatus.UNKNOWN:
                return no_news(interaction.status)
            case status:
                return RemoteState(status)

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        return to_cancellation(self._read("cancel", "POST", remote, "/cancel"))

    def _check(self) -> AccountState:
        """Check the key by listing one model."""
        reply = self._account.call("check", "GET", f"{API}/models", params={"pageSize": "1"})
        self._answer(reply, _Models)
        return AccountState()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Verify and read a webhook. `webhooks` says what each signature proves."""
        is_static = webhooks.is_static(headers) and self._is_signed(headers, body)
        if not is_static:
            self._keys.check(lambda keys: webhooks.verify(keys, headers, body, now=self._clock()))
        # Only a static signature covers the body for certain.
        return CallbackReading(webhooks.read_event(body), is_verified=is_static)

    def _result_request(self, link: str) -> ResultRequest:
        if EMBEDDED_FILE in link:
            return super()._result_request(link)
        return results.to_request(link, self._account)

    def _read(self, operation: str, method: Literal["GET", "POST"], remote: RemoteRef, action: str) -> Interaction:
        """The requested interaction, in its state after the call."""
        path = f"{INTERACTIONS}/{remote.remote_id}{action}"
        reply = self._account.call(operation, method, path, elide=results.EMBEDDED)
        interaction = self._answer(reply, Interaction)
        if interaction.id not in {None, remote.remote_id}:
            raise reply.undocumented("another interaction")
        return interaction

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for a wrong key. The body has the time to wait."""
        error, body = super()._error(reply), _error_body(reply)
        if body is None:
            return error
        if _WRONG_KEY in body.reasons and isinstance(error, ProviderRejected):
            return ProviderAuthFailed(reply.error().message)
        if isinstance(error, ProviderRateLimited) and body.is_daily:
            text = f"{self.name} says that the day's requests of our project are used up (HTTP {reply.status})"
            return ProviderRateLimited(text, retry_after=body.retry_after, refusal=AccountRefusal.DAILY)
        if isinstance(error, ProviderUnavailable) and body.retry_after is not None:
            return type(error)(error.message, retry_after=body.retry_after)
        return error

    def _told(self, reply: Reply) -> Told | None:
        body = _error_body(reply)
        return None if body is None else Told(body.message)


def _error_body(reply: Reply) -> ErrorBody | None:
    try:
        refusal = _REFUSALS.validate_json(reply.content)
    except ValidationError:
        return None
    if isinstance(refusal, list):
        return ErrorBody.of(refusal[0].error) if refusal else None
    return ErrorBody.of(refusal.error)
