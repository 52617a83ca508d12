"""Replicate (https://replicate.com): official models of many makers. Replicate calls a work a prediction.

Replicate can cancel a running prediction, and bills the time that it ran: "Canceled (started running): You pay for the
time the prediction ran before it was canceled" (https://replicate.com/docs/topics/predictions/lifecycle). This applies
to public models, including official ones (https://replicate.com/changelog/2025-10-16-prediction-deadlines).
"""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from providers.adapters.replicate.wire import (
    Created,
    ErrorBody,
    Prediction,
    WebhookSecret,
    to_cancellation,
    to_input,
    to_state,
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
)
from providers.http.calls import Reply
from providers.webhooks import bodies
from schemas.limits import AccountLimits, CreateRate
from schemas.provider_errors import ProviderError, ProviderRateLimited


class Replicate(VendorAdapter):
    """A Replicate account."""

    profile = Profile(
        title="Replicate",
        base_url="https://api.replicate.com",
        calls_back=True,
        signs_callbacks=True,
        cancels=True,
        # https://replicate.com/docs/topics/predictions/rate-limits. Less for an account that is nearly out of credit.
        limits=AccountLimits(creates=[CreateRate(most=600, seconds=60)]),
    )

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- Replicate stores no id of ours but the one in the webhook's URL
        fence: Fence,
    ) -> AcceptedCreate:
        body: dict[str, object] = {"input": to_input(request.model, request.inputs)}
        if callback_url is not None:
            body |= {"webhook": callback_url, "webhook_events_filter": ["completed"]}
        reply = self._account.call("submit", "POST", f"/v1/models/{request.model}/predictions", body=body, fence=fence)
        return AcceptedCreate(self._accepted(reply, Created, "a prediction").id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        return to_state(self._read("poll", "GET", remote, ""))

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        return to_cancellation(self._read("cancel", "POST", remote, "/cancel"))

    def _check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/v1/webhooks/default/secret")
        key, keys = self._answer(reply, WebhookSecret).key, self._account.webhook_keys
        if not keys or key in keys:
            return AccountState()
        return AccountState(warning="the webhook key is not the account's: its webhooks will be refused")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        is_signed = self._is_signed(headers, body)
        created = bodies.parse(body, Created, "a prediction of Replicate's")
        return CallbackReading(created.id, is_verified=is_signed)

    def _read(self, operation: str, method: Literal["GET", "POST"], remote: RemoteRef, action: str) -> Prediction:
        """The requested prediction, in its state after the call."""
        reply = self._account.call(operation, method, f"/v1/predictions/{remote.remote_id}{action}")
        prediction = self._answer(reply, Prediction)
        if prediction.id not in {None, remote.remote_id}:
            raise reply.undocumented("another prediction")
        return prediction

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides. The body of a refusal for being too fast has the time to wait."""
        error, body = super()._error(reply), reply.read(ErrorBody)
        if isinstance(error, ProviderRateLimited) and error.retry_after is None and body is not None:
            return ProviderRateLimited(error.message, retry_after=body.resets_in)
        return error

    def _told(self, reply: Reply) -> Told | None:
        body = reply.read(ErrorBody)
        return None if body is None else Told(body.text)
