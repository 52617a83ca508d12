"""The Gemini API (https://ai.google.dev/gemini-api/docs): videos by Gemini Omni, pictures by Nano Banana.

Each piece of work is an interaction in the background. Pictures and videos go as bytes: links to other hosts are not
taken of every kind, and never in a video's place. What a cancelled interaction costs, Google does not say.
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from providers.account import Account
from providers.adapters.gemini import results, webhooks
from providers.adapters.gemini.wire import (
    API,
    INTERACTIONS,
    REVISION,
    Interaction,
    Problem,
    Refusal,
    to_body,
    to_cancellation,
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
from providers.webhooks import key_sets, standard_webhooks
from schemas.errors import (
    CallbackRefused,
    ProviderAuthFailed,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://generativelanguage.googleapis.com"

# A wrong key is answered with HTTP 400 and this word: https://ai.google.dev/gemini-api/docs/generate-content/api-errors
_WRONG_KEY = "API_KEY_INVALID"
# What stands before the API may put its error into a list.
_REFUSALS: TypeAdapter[Refusal | list[Refusal]] = TypeAdapter(Refusal | list[Refusal])


class _Models(BaseModel):
    model_config = ConfigDict(extra="ignore")

    models: list[JsonValue]


class Gemini:
    """A project at the Gemini API."""

    calls_back = True
    reads_inputs = InputsRead.ALL
    create_seconds = 180.0
    """A video to edit has tens of megabytes."""
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
            known_keys: Google's JWKS, if it was read before.
        """
        self.name = name
        self._account = Account(
            name,
            settings,
            transport,
            base_url=BASE_URL,
            credentials=lambda: {"x-goog-api-key": settings.api_key.get_secret_value()},
            headers={"Api-Revision": REVISION},
            create_seconds=self.create_seconds,
        )
        self._clock = clock
        url = self._account.url("/.well-known/jwks.json")
        fetch = key_sets.fetching(name, transport, url, timeout_seconds=settings.timeout_seconds)
        self._keys = key_sets.KeySet(fetch, webhooks.read_keys, clock, known=known_keys)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- Google stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> Submission:
        body = to_body(request.model, request.inputs, request.files, callback_url=callback_url)
        reply = self._account.call("submit", "POST", INTERACTIONS, body=body, fence=fence, elide=results.EMBEDDED)
        interaction = _interaction(reply)
        if interaction is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and an interaction at once")
        return Submission(interaction.id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        interaction = self._read("poll", "GET", remote, "")
        match to_status(interaction):
            case RemoteStatus.SUCCEEDED:
                return results.to_success(interaction, self._account)
            case RemoteStatus.FAILED:
                return results.to_failure(interaction)
            case status:
                return RemoteState(status)

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- Google stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:
        return to_cancellation(self._read("cancel", "POST", remote, "/cancel"))

    def check(self) -> AccountState:
        """Ask for the first of Google's models."""
        reply = self._account.call("check", "GET", f"{API}/models", params={"pageSize": "1"})
        if not reply.is_success:
            raise self._error(reply)
        try:
            _Models.model_validate_json(reply.content)
        except ValidationError:
            raise reply.unreadable() from None
        return AccountState()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Read a webhook; how far its signature is checked, `webhooks` says."""
        is_static = bool(self._account.webhook_key) and webhooks.is_static(headers)
        if is_static:
            standard_webhooks.verify(self._account.webhook_key, headers, body, now=self._clock())
        elif keys := self._keys.known():
            try:
                webhooks.verify(keys, headers, body, now=self._clock())
            except CallbackRefused:
                self._keys.refresh_soon()
                raise
        # A token need not cover the body.
        return CallbackReading(webhooks.read_event(body), is_verified=is_static)

    def result_request(self, link: str) -> ResultRequest:
        return results.to_request(link, self._account)

    def _read(self, operation: str, method: Literal["GET", "POST"], remote: RemoteRef, action: str) -> Interaction:
        """The interaction that was asked for, as it stands after the call."""
        path = f"{INTERACTIONS}/{remote.remote_id}{action}"
        reply = self._account.call(operation, method, path, elide=results.EMBEDDED)
        interaction = _interaction(reply) if reply.is_success else None
        if interaction is None:
            raise self._error(reply)
        if interaction.id != remote.remote_id:
            raise reply.undocumented("another interaction")
        return interaction

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without an interaction: the HTTP status is Google's verdict, but for a wrong key."""
        error, problem = reply.unreadable(), _problem(reply)
        if problem is None:
            return error
        if _WRONG_KEY in problem.reasons and isinstance(error, ProviderRejected):
            return ProviderAuthFailed(error.message)
        if isinstance(error, ProviderUnavailable) and problem.retry_after is not None:
            return type(error)(error.message, retry_after=problem.retry_after)
        if isinstance(error, ProviderRejected) and problem.message:
            return ProviderRejected(f"{error.message}: {self._account.quotable(problem.message, prompt=prompt)}")
        return error


def _interaction(reply: Reply) -> Interaction | None:
    try:
        return Interaction.read(reply.content)
    except ValidationError:
        return None


def _problem(reply: Reply) -> Problem | None:
    try:
        refusal = _REFUSALS.validate_json(reply.content)
    except ValidationError:
        return None
    if isinstance(refusal, list):
        return refusal[0].error if refusal else None
    return refusal.error
