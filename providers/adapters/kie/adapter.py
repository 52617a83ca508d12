"""Kie (https://docs.kie.ai): the models of many vendors behind one account.

Most models are in Kie's Market and share one API. Veo and Runway have separate APIs. All answers share an envelope: Kie
answers nearly every call with HTTP 200 and reports failures in the JSON `code`. Kie has no cancel call. Its signature
on a callback covers the task's id and the timestamp, but not the body, so a callback only triggers a poll.
"""

import hmac
from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError

from providers.adapters.kie.wire import BALANCE, POLICY_CODES, VERDICTS, Answer, is_policy, signature
from providers.adapters.kie.wires import wire_of
from providers.adapters.vendor_adapter import VendorAdapter
from providers.base import (
    AcceptedCreate,
    AccountState,
    CallbackReading,
    Fence,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
)
from providers.http.calls import Reply
from providers.http.verdicts import error_of
from providers.webhooks import bodies
from schemas.enums import ErrorCode
from schemas.errors import CallbackRefused
from schemas.limits import AccountLimits, CreateRate
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown, ProviderRejected

SIGNATURE_SECONDS = 300
_MOST_DIGITS = 12
# A callback repeats the request: a prompt of 20,000 characters, each escaped twice.
_MOST_CALLBACK_BYTES = 256 * 1024

_OK = 200


class Kie(VendorAdapter):
    """A Kie account."""

    profile = Profile(
        title="Kie",
        base_url="https://api.kie.ai",
        calls_back=True,
        calls_back_by_node=True,
        signs_callbacks=True,
        # "Up to 20 new generation requests per 10 seconds", and more are refused: https://docs.kie.ai, "Rate Limits".
        limits=AccountLimits(creates=[CreateRate(most=20, seconds=10)]),
    )

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,
        generation_id: UUID,  # noqa: ARG002 -- Kie stores no id of ours but the one in the callback's URL
        fence: Fence,
    ) -> AcceptedCreate:
        wire = wire_of(request.model)
        body = wire.to_body(request)
        if callback_url is not None:
            body["callBackUrl"] = callback_url
        reply = self._account.call("submit", "POST", wire.create_path, body=body, fence=fence)
        answer = reply.require(Answer)
        if answer.code == _OK and answer.task_id is not None:
            return AcceptedCreate(answer.task_id)
        if answer.code == _OK or answer.task_id is not None:
            raise ProviderOutcomeUnknown(f"kie answered submit with code {answer.code} and task id {answer.task_id}")
        raise self._refusal(answer, reply, prompt=request.inputs.prompt)

    def _state(self, remote: RemoteRef) -> RemoteState:
        wire = wire_of(remote.model)
        reply = self._account.call("poll", "GET", wire.status_path, params={"taskId": remote.remote_id})
        answer = reply.require(Answer)
        # The read of a failed task succeeds with code 200. Callbacks of failures have other codes, so accept those too.
        has_record = answer.code == _OK or (answer.code in wire.failure_codes and answer.task_id is not None)
        if not has_record:
            raise self._refusal(answer, reply)
        if answer.task_id not in {None, remote.remote_id}:
            raise reply.undocumented("the record of another task")
        try:
            return wire.to_state(answer, remote.prompt)
        except ValidationError:
            raise reply.undocumented("no record of that task") from None

    def _check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/api/v1/chat/credit")
        answer = reply.require(Answer)
        if answer.code != _OK:
            raise self._refusal(answer, reply)
        try:
            return AccountState(credits=BALANCE.validate_python(answer.data))
        except ValidationError:
            raise reply.undocumented("a balance of another form") from None

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        """Verify and read a callback: https://docs.kie.ai/common-api/webhook-verification."""
        keys = self._account.webhook_keys
        # The signature covers the id inside the body, so the body is parsed before it is verified.
        timestamp = self._timestamp(headers) if keys else ""
        answer = bodies.parse(body, Answer, "a callback of Kie's", most_bytes=_MOST_CALLBACK_BYTES)
        if answer.task_id is None:
            raise CallbackRefused("the callback names no task")
        given = headers.get("x-webhook-signature", "").encode()
        expected = [signature(key, answer.task_id, timestamp).encode() for key in keys]
        if keys and not any(hmac.compare_digest(each, given) for each in expected):
            raise CallbackRefused("the callback's signature is wrong")
        return CallbackReading(answer.task_id, is_verified=bool(keys))

    def _timestamp(self, headers: Mapping[str, str]) -> str:
        """The timestamp of a callback, if the callback is recent."""
        timestamp = headers.get("x-webhook-timestamp", "")
        # Python refuses to parse an integer of thousands of digits.
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
            raise CallbackRefused("the callback has no X-Webhook-Timestamp in seconds")
        if abs(self._clock() - int(timestamp)) > SIGNATURE_SECONDS:
            raise CallbackRefused(f"the callback's timestamp is more than {SIGNATURE_SECONDS} s off")
        return timestamp

    def _refusal(self, answer: Answer, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without a task. Kie's code decides first, then the HTTP status."""
        if answer.code in POLICY_CODES and is_policy(answer.text, prompt):
            text = f"{reply.call.provider} refused it by its content policy (code {answer.code}): {answer.text}"
            return ProviderRejected(text, code=ErrorCode.CONTENT_REJECTED)
        return error_of(VERDICTS, answer.code, reply, told=answer.text)
