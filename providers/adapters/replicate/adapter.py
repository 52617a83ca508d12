"""Replicate (https://replicate.com): official models of many makers, each run called a prediction.

It can cancel what it has begun, and bills the part that ran: "Canceled (started running): You pay for the time the
prediction ran before it was canceled" (https://replicate.com/docs/topics/predictions/lifecycle). That is said of its
public models, official ones among them (https://replicate.com/changelog/2025-10-16-prediction-deadlines).
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal
from uuid import UUID

from pydantic import ValidationError

from providers.account import Account
from providers.adapters.replicate.wire import Prediction, Problem, WebhookSecret, to_cancellation, to_input, to_state
from providers.base import (
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    InputsRead,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    ResultRequest,
    Submission,
)
from providers.http.calls import Reply
from providers.http.transport import Transport
from providers.webhooks import standard_webhooks
from schemas.errors import CallbackRefused, ProviderError, ProviderRejected
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://api.replicate.com"


class Replicate:
    """A Replicate account."""

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
    ) -> None:
        self.name = name
        self._account = Account(name, settings, transport, base_url=BASE_URL)
        self._clock = clock

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- Replicate stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> Submission:
        body: dict[str, object] = {"input": to_input(request.model, request.inputs)}
        if callback_url is not None:
            body |= {"webhook": callback_url, "webhook_events_filter": ["completed"]}
        reply = self._account.call("submit", "POST", f"/v1/models/{request.model}/predictions", body=body, fence=fence)
        prediction = _prediction(reply)
        if prediction is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and a prediction at once")
        return Submission(prediction.id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        return to_state(self._read("poll", "GET", remote, ""))

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- Replicate stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:
        return to_cancellation(self._read("cancel", "POST", remote, "/cancel"))

    def check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/v1/webhooks/default/secret")
        if not reply.is_success:
            raise self._error(reply)
        try:
            secret = WebhookSecret.model_validate_json(reply.content).key
        except ValidationError:
            raise reply.unreadable() from None
        if self._account.webhook_key in {"", secret}:
            return AccountState()
        return AccountState(warning="the webhook key is not the account's: its webhooks will be refused")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        is_signed = bool(self._account.webhook_key)
        if is_signed:
            standard_webhooks.verify(self._account.webhook_key, headers, body, now=self._clock())
        try:
            return CallbackReading(Prediction.model_validate_json(body).id, is_verified=is_signed)
        except ValidationError:
            raise CallbackRefused("the body is not a prediction of Replicate's") from None

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)

    def _read(self, operation: str, method: Literal["GET", "POST"], remote: RemoteRef, action: str) -> Prediction:
        """The prediction that was asked for, as it stands after the call."""
        reply = self._account.call(operation, method, f"/v1/predictions/{remote.remote_id}{action}")
        prediction = _prediction(reply) if reply.is_success else None
        if prediction is None:
            raise self._error(reply)
        if prediction.id != remote.remote_id:
            raise reply.undocumented("another prediction")
        return prediction

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without a prediction: the HTTP status is Replicate's verdict."""
        error = reply.unreadable()
        if type(error) is not ProviderRejected:
            return error
        try:
            problem = Problem.model_validate_json(reply.content)
        except ValidationError:
            return error
        if text := problem.detail or problem.title:
            return ProviderRejected(f"{error.message}: {self._account.quotable(text, prompt=prompt)}")
        return error


def _prediction(reply: Reply) -> Prediction | None:
    try:
        return Prediction.model_validate_json(reply.content)
    except ValidationError:
        return None
