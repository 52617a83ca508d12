"""LongCat-Video at a self-hosted endpoint. The model is open, and its maker has defined no API.

Reelworks defines the API (docs/longcat-endpoint.md). A service answers a create with the finished video or with a job.
Reelworks stores the link of a finished video, and sends no further call. The search by our reference and the cancel
call are optional: a service without them answers 404 or 405.
"""

from uuid import UUID

from providers.adapters.longcat.wire import (
    ERROR_CODES,
    ErrorBody,
    Job,
    Jobs,
    NamedJob,
    Refusal,
    to_body,
    to_cancellation,
    to_state,
)
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.base import (
    STORED_FILE,
    AcceptedCreate,
    AccountState,
    Cancellation,
    Fence,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.calls import Reply
from schemas.limits import Refusal as AccountRefusal
from schemas.provider_errors import (
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

_VIDEO = "video"
_NOBODYS = UUID(int=0)

_NOT_FOUND = 404
_NO_SUCH_METHOD = 405
_CONFLICT = 409


class LongCat(VendorAdapter):
    """An account of a LongCat-Video endpoint."""

    profile = Profile(
        title="a LongCat-Video endpoint of yours",
        base_url=None,
        also_needs="`…__BASE_URL`",
        # A service that answers with the finished video takes minutes.
        create_seconds=300.0,
        cancels=True,
        keeps_our_id=True,
        serves_results=True,
    )

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the wire has no field for it
        generation_id: UUID,
        fence: Fence,
    ) -> AcceptedCreate:
        body = to_body(request.model, request.inputs, reference=str(generation_id))
        reply = self._account.call("submit", "POST", "", body=body, fence=fence, keeps_file=True)
        if reply.status == _CONFLICT:
            # An earlier create was accepted. An unknown outcome leads to a look-up.
            raise ProviderOutcomeUnknown(f"{self.name} has a job with our reference already")
        job = self._accepted(reply, Job if reply.is_success else NamedJob, "a job")
        return self._created(reply, job, generation_id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        """The state of the job. Makes no call if the create returned the video."""
        link = remote.links.get(_VIDEO) or remote.links.get(STORED_FILE)
        if link is not None:
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])
        return to_state(self.name, self._job(remote, self._account.call("poll", "GET", f"/{remote.remote_id}")))

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        reply = self._search("look_up", generation_id)
        if reply.status in {_NOT_FOUND, _NO_SUCH_METHOD}:
            return None
        found = self._found(reply)
        if not found:
            return None
        if len(found) > 1 or found[0].reference not in {None, str(generation_id)}:
            raise reply.undocumented("other jobs than the one that has our reference")
        return self._created(reply, found[0], generation_id)

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        if _VIDEO in remote.links or STORED_FILE in remote.links:
            return Cancellation.IMPOSSIBLE
        reply = self._account.call("cancel", "DELETE", f"/{remote.remote_id}")
        if reply.status == _NO_SUCH_METHOD:
            return Cancellation.IMPOSSIBLE
        return to_cancellation(self._job(remote, reply))

    def _check(self) -> AccountState:
        """Search for a job that does not exist. A service without a search answers 404 with an error body, or 405."""
        reply = self._search("check", _NOBODYS)
        # A wrong address is answered with another body: FastAPI's has only a `detail`.
        refusal = reply.read(Refusal)
        has_no_search = reply.status == _NOT_FOUND and refusal is not None and refusal.error is not None
        if not has_no_search and reply.status != _NO_SUCH_METHOD:
            self._found(reply)
        return AccountState()

    def _search(self, operation: str, generation_id: UUID) -> Reply:
        return self._account.call(operation, "GET", "", params={"reference": str(generation_id)})

    def _found(self, reply: Reply) -> list[Job]:
        """The jobs in the answer to a search."""
        return self._answer(reply, Jobs).jobs

    def _job(self, remote: RemoteRef, reply: Reply) -> Job:
        """The requested job."""
        job = self._answer(reply, Job)
        if job.id not in {None, remote.remote_id}:
            raise reply.undocumented("another job")
        return job

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for an address without a service."""
        if reply.status in {_NOT_FOUND, _NO_SUCH_METHOD} and reply.call.is_create:
            # The address is wrong, or the service is gone. The order is not at fault.
            return ProviderUnavailable(f"{self.name} has no endpoint at this address (HTTP {reply.status})")
        error = super()._error(reply)
        if isinstance(error, ProviderRateLimited):
            # The endpoint runs on our own GPUs, which are busy. Nothing counts calls.
            return ProviderRateLimited(error.message, retry_after=error.retry_after, refusal=AccountRefusal.TOO_MANY)
        return error

    def _told(self, reply: Reply) -> Told | None:
        body = _refusal(reply)
        return None if body is None else Told(body.message, ERROR_CODES.get(body.code))

    def _created(self, reply: Reply, job: Job, generation_id: UUID) -> AcceptedCreate:
        """The accepted create of a job. Our id replaces a missing id if the answer has the video."""
        remote_id = job.id or str(generation_id)
        if job.finished_video is not None:
            return AcceptedCreate(remote_id, {_VIDEO: self._account.absolute(job.finished_video)}, is_finished=True)
        if reply.file and job.has_succeeded:
            return AcceptedCreate(remote_id, file=reply.file, is_finished=True)
        if job.id is not None:
            return AcceptedCreate(job.id)
        state = to_state(self.name, job)
        if state.status is RemoteStatus.FAILED:
            raise ProviderRejected(state.error_message or "", code=state.error_code)
        raise reply.undocumented("neither a video nor the id of a job")


def _refusal(reply: Reply) -> ErrorBody | None:
    """The error in the answer to a refused call; None if the service did not send one."""
    refusal = reply.read(Refusal)
    return None if refusal is None else refusal.body
