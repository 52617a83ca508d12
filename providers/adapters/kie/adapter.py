"""Kie (https://docs.kie.ai): the models of many vendors behind one account.

Most are in its Market, in one wire; Veo and Runway have a wire each. All share an envelope: Kie answers HTTP 200 to
nearly everything and tells of failure in the JSON `code`. It cannot cancel. Its signature on a callback covers the
task's id and the time, but not the body, so a callback only says that it is time to look.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from uuid import UUID

from pydantic import ValidationError

from providers.account import Account
from providers.adapters.kie.families import family_of
from providers.adapters.kie.wire import BALANCE, VERDICTS, Answer, signature
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
from providers.http.verdicts import error_of
from schemas.errors import CallbackRefused, ProviderError, ProviderOutcomeUnknown
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://api.kie.ai"
SIGNATURE_SECONDS = 300
_MOST_DIGITS = 12

_OK = 200


class Kie:
    """A Kie account."""

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
        generation_id: UUID,  # noqa: ARG002 -- Kie stores no id of ours but the one in the callback's URL
        fence: Fence,
    ) -> Submission:
        family = family_of(request.model)
        body = family.to_body(request)
        if callback_url is not None:
            body["callBackUrl"] = callback_url
        reply = self._account.call("submit", "POST", family.create_path, body=body, fence=fence)
        answer = _read(reply)
        if answer.code == _OK and answer.task_id is not None:
            return Submission(answer.task_id)
        if answer.code == _OK or answer.task_id is not None:
            raise ProviderOutcomeUnknown(f"kie answered submit with code {answer.code} and task id {answer.task_id}")
        raise self._error(answer, reply, prompt=request.inputs.prompt)

    def poll(self, remote: RemoteRef) -> RemoteState:
        family = family_of(remote.model)
        reply = self._account.call("poll", "GET", family.status_path, params={"taskId": remote.remote_id})
        answer = _read(reply)
        # A failed task is a success of the query; its callback has a code of its own, so a read may have it, too.
        has_record = answer.code == _OK or (answer.code in family.failure_codes and answer.task_id is not None)
        if not has_record:
            raise self._error(answer, reply)
        if answer.task_id != remote.remote_id:
            raise reply.undocumented("no record of that task")
        try:
            return family.to_state(answer)
        except ValidationError:
            raise reply.undocumented("a record of another form") from None

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- Kie stores no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- Kie has no call for it
        return Cancellation.IMPOSSIBLE

    def check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/api/v1/chat/credit")
        answer = _read(reply)
        if answer.code != _OK:
            raise self._error(answer, reply)
        try:
            return AccountState(credits=BALANCE.validate_python(answer.data))
        except ValidationError:
            raise reply.undocumented("a balance of another form") from None

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        try:
            task_id = Answer.model_validate_json(body).task_id
        except ValidationError:
            raise CallbackRefused("the body is not a callback of Kie's") from None
        if task_id is None:
            raise CallbackRefused("the callback names no task")
        if self._account.webhook_key:
            self._verify(headers, task_id)
        return CallbackReading(task_id, is_verified=bool(self._account.webhook_key))

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)

    def _verify(self, headers: Mapping[str, str], task_id: str) -> None:
        """Checks Kie's signature: https://docs.kie.ai/common-api/webhook-verification."""
        timestamp = headers.get("x-webhook-timestamp", "")
        # Python refuses to read an integer of thousands of digits.
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
            raise CallbackRefused("the callback has no X-Webhook-Timestamp in seconds")
        if abs(self._clock() - int(timestamp)) > SIGNATURE_SECONDS:
            raise CallbackRefused(f"the callback's timestamp is more than {SIGNATURE_SECONDS} s off")
        expected = signature(self._account.webhook_key, task_id, timestamp)
        if not hmac.compare_digest(expected.encode(), headers.get("x-webhook-signature", "").encode()):
            raise CallbackRefused("the callback's signature is wrong")

    def _error(self, answer: Answer, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without a task: by Kie's code first, then by the HTTP status."""
        told = self._account.quotable(answer.text, prompt=prompt) if answer.text else ""
        return error_of(VERDICTS, answer.code, reply, told=told)


def _read(reply: Reply) -> Answer:
    try:
        return Answer.model_validate_json(reply.content)
    except ValidationError:
        raise reply.unreadable() from None
