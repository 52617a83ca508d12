"""The model server of Reelworks, on hardware of one's own (docs/model-server.md).

A server keeps its jobs through a restart, but not their work: a job that was queued or running is `lost` then. A server
that has lost its state folder, too, knows no job: that is the same to us. Nobody bills, so lost work may run again.
"""

from collections.abc import Mapping
from uuid import UUID

from providers.adapters.local.wire import (
    ERROR_CODES,
    JOB_NOT_FOUND,
    JOBS,
    PIPELINE,
    PIPELINES,
    ErrorBody,
    Job,
    Jobs,
    NamedJob,
    Pipelines,
    Refusal,
    to_body,
    to_cancellation,
    to_state,
)
from providers.adapters.own_hardware import OwnHardware
from providers.adapters.vendor_adapter import Told
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
)
from providers.http.calls import Reply
from providers.webhooks import bodies
from schemas.provider_errors import (
    ProviderError,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderUnavailable,
)

_NOT_FOUND = 404
_NO_SUCH_METHOD = 405
_CONFLICT = 409


class ModelServer(OwnHardware):
    """An account at a model server."""

    profile = Profile(
        title="a model server of yours",
        base_url=None,
        also_needs="`…__BASE_URL`",
        reads_inputs=InputsRead.ALL,
        calls_back=True,
        # A server without a key refuses a create that asks for a webhook.
        needs_webhook_key=True,
        signs_callbacks=True,
        cancels=True,
        keeps_our_id=True,
        serves_results=True,
        bills_nothing=True,
    )

    def _submit(
        self, request: ProviderRequest, *, callback_url: str | None, generation_id: UUID, fence: Fence
    ) -> AcceptedCreate:
        body = to_body(
            request.model, request.inputs, request.files, reference=str(generation_id), callback_url=callback_url
        )
        reply = self._account.call("submit", "POST", JOBS, body=body, fence=fence)
        if reply.status == _CONFLICT:
            # An earlier create of ours was accepted. An unknown outcome leads to a look-up.
            raise ProviderOutcomeUnknown(f"{self.name} has a job with our reference already")
        return _created(self._accepted(reply, NamedJob, "a job"))

    def _state(self, remote: RemoteRef) -> RemoteState:
        path = f"{JOBS}/{remote.remote_id}"
        reply = self._account.call("poll", "GET", path)
        if _is_unknown_job(reply):
            return RemoteState(RemoteStatus.LOST)
        return to_state(self.name, self._job(remote, reply), file_url=self._account.url(f"{path}/file"))

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        reply = self._account.call("look_up", "GET", JOBS, params={"reference": str(generation_id)})
        found = self._answer(reply, Jobs).jobs
        if not found:
            return None
        if len(found) > 1 or found[0].reference not in {None, str(generation_id)}:
            raise reply.undocumented("other jobs than the one that has our reference")
        return _created(found[0])

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        reply = self._account.call("cancel", "DELETE", f"{JOBS}/{remote.remote_id}")
        if _is_unknown_job(reply):
            # As for a job that is lost: a read tells.
            return Cancellation.IMPOSSIBLE
        return to_cancellation(self._job(remote, reply))

    def _check(self) -> AccountState:
        pipelines = self._answer(self._account.call("check", "GET", PIPELINES), Pipelines).pipelines
        return AccountState() if pipelines else AccountState(warning="the model server has no pipelines")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:
        is_signed = self._is_signed(headers, body)
        return CallbackReading(bodies.parse(body, NamedJob, "a job of the model server's").id, is_verified=is_signed)

    def _job(self, remote: RemoteRef, reply: Reply) -> Job:
        """The requested job."""
        job = self._answer(reply, Job)
        if job.id not in {None, remote.remote_id}:
            raise reply.undocumented("another job")
        return job

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for a pipeline or a server that is not there."""
        body = _refusal(reply)
        if reply.call.is_create and body is not None and body.wrong_field == PIPELINE:
            return ProviderModelGone(f"{self.name} does not serve the pipeline: {body.message}")
        if reply.status in {_NOT_FOUND, _NO_SUCH_METHOD} and reply.call.is_create:
            # The address is wrong, or another server is there. The order is not at fault.
            return ProviderUnavailable(f"{self.name} has no model server at this address (HTTP {reply.status})")
        return super()._error(reply)

    def _told(self, reply: Reply) -> Told | None:
        body = _refusal(reply)
        return None if body is None else Told(body.message, ERROR_CODES.get(body.code))


def _created(job: NamedJob) -> AcceptedCreate:
    # A repeated create is answered with the job as it is now. The end of the job is read as that of any other.
    return AcceptedCreate(job.id, ahead=job.ahead)


def _is_unknown_job(reply: Reply) -> bool:
    """Whether the server itself says that it has no such job. A proxy's 404 says nothing about the work."""
    body = _refusal(reply) if reply.status == _NOT_FOUND else None
    return body is not None and body.code == JOB_NOT_FOUND


def _refusal(reply: Reply) -> ErrorBody | None:
    """The error in the answer to a refused call; None if the server did not send one."""
    refusal = reply.read(Refusal)
    return None if refusal is None else ErrorBody.of(refusal.error)
