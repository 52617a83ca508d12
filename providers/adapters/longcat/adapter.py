"""LongCat-Video behind an endpoint of one's own: the model is open, and nobody hosts it under a wire of its maker's.

The wire is ours (docs/longcat-endpoint.md). A service answers a create with the finished video, or with a job to ask
for; the link of a video that came at once is kept, and nothing is asked again. What a service need not have, it answers
with 404 or 405: a search by our reference, and a call that stops a job.
"""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from providers.account import Account
from providers.adapters.longcat.wire import ERROR_CODES, Job, Jobs, Refusal, to_body, to_cancellation, to_state
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
from schemas.errors import (
    CallbackRefused,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

_VIDEO = "video"
_NOBODYS = UUID(int=0)

_NOT_FOUND = 404
_NO_SUCH_METHOD = 405
_CONFLICT = 409

P = TypeVar("P", bound=BaseModel)


class LongCat:
    """An account at a LongCat-Video endpoint."""

    calls_back = False
    reads_inputs = InputsRead.NONE
    create_seconds = 300.0
    """A service that answers with the finished video takes minutes."""
    poll_seconds = 0.0

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        """Raises `InvalidSettings` where the settings name no base URL, which is the endpoint."""
        self.name = name
        self._account = Account(name, settings, transport, base_url=None, create_seconds=self.create_seconds)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the wire has no field for it
        generation_id: UUID,
        fence: Fence,
    ) -> Submission:
        body = to_body(request.model, request.inputs, reference=str(generation_id))
        reply = self._account.call("submit", "POST", "", body=body, fence=fence)
        if reply.status == _CONFLICT:
            # An earlier create was accepted: it is to be looked up, not given up.
            raise ProviderOutcomeUnknown(f"{self.name} has a job with our reference already")
        job = _read(Job, reply)
        if job is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and a job at once")
        return _submission(reply, job, generation_id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        """Where the job stands; calls nobody where the video came with the create."""
        link = remote.links.get(_VIDEO)
        if link is not None:
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])
        return to_state(self.name, self._job(remote, self._account.call("poll", "GET", f"/{remote.remote_id}")))

    def look_up(self, generation_id: UUID) -> Submission | None:
        reply = self._search("look_up", generation_id)
        if reply.status in {_NOT_FOUND, _NO_SUCH_METHOD}:
            return None
        found = self._found(reply)
        if not found:
            return None
        if len(found) > 1 or found[0].reference not in {None, str(generation_id)}:
            raise reply.undocumented("other jobs than the one that has our reference")
        return _submission(reply, found[0], generation_id)

    def cancel(self, remote: RemoteRef) -> Cancellation:
        if _VIDEO in remote.links:
            return Cancellation.IMPOSSIBLE
        reply = self._account.call("cancel", "DELETE", f"/{remote.remote_id}")
        if reply.status == _NO_SUCH_METHOD:
            return Cancellation.IMPOSSIBLE
        return to_cancellation(self.name, self._job(remote, reply))

    def check(self) -> AccountState:
        """Search for a job that nobody made: a service that has no search says so in the wire's words, or with 405."""
        reply = self._search("check", _NOBODYS)
        has_no_search = reply.status == _NOT_FOUND and _read(Refusal, reply) is not None
        if not has_no_search and reply.status != _NO_SUCH_METHOD:
            self._found(reply)
        return AccountState()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused("nobody was asked to call back: the wire has no callbacks")

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link, headers=self._account.headers_for(link))

    def _search(self, operation: str, generation_id: UUID) -> Reply:
        return self._account.call(operation, "GET", "", params={"reference": str(generation_id)})

    def _found(self, reply: Reply) -> list[Job]:
        """What a search found."""
        answer = _read(Jobs, reply) if reply.is_success else None
        if answer is None:
            raise self._error(reply)
        return answer.jobs

    def _job(self, remote: RemoteRef, reply: Reply) -> Job:
        """The job that was asked for."""
        job = _read(Job, reply) if reply.is_success else None
        if job is None:
            raise self._error(reply)
        if job.id != remote.remote_id:
            raise reply.undocumented("another job")
        return job

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without a job: the HTTP status is the service's verdict, its code says why."""
        if reply.status in {_NOT_FOUND, _NO_SUCH_METHOD} and reply.call.is_create:
            # Not the order is wrong: the address is, or the service is gone.
            return ProviderUnavailable(f"{self.name} has no endpoint at this address (HTTP {reply.status})")
        error, refusal = reply.unreadable(), _read(Refusal, reply)
        if type(error) is not ProviderRejected or refusal is None:
            return error
        text = self._account.quotable(refusal.error.message or "", prompt=prompt)
        message = f"{error.message}: {text}" if text else error.message
        return ProviderRejected(message, code=ERROR_CODES.get(refusal.error.code))


def _submission(reply: Reply, job: Job, generation_id: UUID) -> Submission:
    """What is kept of an accepted job: its id, or ours where the answer brings the video and no id."""
    link = job.finished_video
    if link is not None:
        return Submission(job.id or str(generation_id), {_VIDEO: link}, is_finished=True)
    if job.id is None:
        raise reply.undocumented("neither a video nor the id of a job")
    return Submission(job.id)


def _read(form: type[P], reply: Reply) -> P | None:
    try:
        return form.model_validate_json(reply.content)
    except ValidationError:
        return None
