"""Kling's own API (https://kling.ai/document-api), in its new dialect.

Kling keeps an id of ours with each task, so a create whose answer was lost can be looked up. It cannot cancel. It calls
back at every change of state; the signature covers the body once the account has a webhook secret.
"""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

from pydantic import ValidationError

from providers import standard_webhooks
from providers.account import Account
from providers.adapters.kling.wire import (
    INVALID_PARAMETER,
    OK,
    RECORDS,
    UNDECIDED,
    VERDICTS,
    Answer,
    Callback,
    Record,
    names_the_external_id,
    to_body,
    to_state,
)
from providers.base import (
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    ResultRequest,
    Submission,
)
from providers.transport import Reply, Transport
from schemas.errors import (
    CallbackRefused,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://api-singapore.klingai.com"

_BAD_REQUEST = 400


class Kling:
    """A Kling account."""

    calls_back = True
    reads_inputs = False

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
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> Submission:
        external_id = str(generation_id)
        body = to_body(request.model, request.inputs, external_id=external_id, callback_url=callback_url)
        reply = self._account.call("submit", "POST", f"/{request.model}", body=body, fence=fence)
        answer = _read(reply)
        if answer.code == OK and answer.task_id is not None:
            return Submission(answer.task_id)
        if answer.code == OK or answer.task_id is not None:
            raise ProviderOutcomeUnknown(f"kling answered submit with code {answer.code} and task id {answer.task_id}")
        # An id of ours that is taken: an earlier create was accepted, and it is to be looked up, not given up.
        if answer.code == INVALID_PARAMETER and names_the_external_id(answer.message or "", external_id):
            raise ProviderOutcomeUnknown("kling refused our own id of the task, as it does when the task exists")
        raise self._error(answer, reply, prompt=request.inputs.prompt)

    def poll(self, remote: RemoteRef) -> RemoteState:
        reply, records = self._tasks("poll", {"task_ids": remote.remote_id})
        if not records:
            raise ProviderRejected("kling does not know this task")
        for record in records:
            if record.id == remote.remote_id:
                return to_state(record)
        raise reply.undocumented("no record of that task")

    def look_up(self, generation_id: UUID) -> Submission | None:
        reply, records = self._tasks("look_up", {"external_task_ids": str(generation_id)})
        if not records:
            return None
        if len(records) > 1 or records[0].external_id not in {None, str(generation_id)}:
            raise reply.undocumented("other tasks than the one that has our id")
        return Submission(records[0].id)

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- Kling has no call for it
        return Cancellation.IMPOSSIBLE

    def check(self) -> AccountState:
        # Ids that Kling does not know are left out of its answer; and no task has this one.
        self._tasks("check", {"task_ids": "0"})
        return AccountState()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        if self._account.webhook_key:
            standard_webhooks.verify(self._account.webhook_key, headers, body, now=self._clock())
        try:
            return CallbackReading(Callback.model_validate_json(body).task_id)
        except ValidationError:
            raise CallbackRefused("the callback names no task") from None

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)

    def _tasks(self, operation: str, query: Mapping[str, str]) -> tuple[Reply, list[Record]]:
        """What Kling knows of the tasks that are asked for, and the reply that said so."""
        reply = self._account.call(operation, "GET", "/tasks", params=query)
        answer = _read(reply)
        if answer.code != OK:
            raise self._error(answer, reply)
        try:
            return reply, RECORDS.validate_python(answer.data)
        except ValidationError:
            raise reply.undocumented("records of another form") from None

    def _error(self, answer: Answer, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without a task: by Kling's code first, then by the HTTP status."""
        if answer.code in UNDECIDED:
            family = ProviderOutcomeUnknown if reply.call.is_create else ProviderUnavailable
            return family(f"kling had an internal error (code {answer.code})", retry_after=reply.retry_after)
        verdict = VERDICTS.get(answer.code)
        if verdict is None:
            return reply.error() if reply.status >= _BAD_REQUEST else reply.undocumented(f"the code {answer.code}")
        text = f"kling {verdict.text} (code {answer.code})"
        if verdict.family is ProviderRejected and answer.message:
            text += f": {self._account.quotable(answer.message, prompt=prompt)}"
        return verdict.family(text, code=verdict.code, retry_after=reply.retry_after)


def _read(reply: Reply) -> Answer:
    try:
        return Answer.model_validate_json(reply.content)
    except ValidationError:
        raise reply.unreadable() from None
