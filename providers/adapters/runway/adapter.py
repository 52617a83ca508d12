"""Runway (https://docs.dev.runwayml.com): videos and pictures of its own models and Veo; a piece of work is a task.

It fetches inputs only from where HEAD is answered, so customers' uploads go to it as files.

Runway does not call back. Deleting an open task stops it, which Runway may bill all the same, and deleting a finished
one takes its result away; either can never be read again (https://docs.dev.runwayml.com/api, `DELETE
/v1/tasks/{id}`). The links to a result are made anew with every read.
"""

from http import HTTPStatus
from typing import Literal
from uuid import UUID

from providers.adapters.runway import uploads
from providers.adapters.runway.wire import (
    OPEN,
    USED_UP,
    VERSION,
    Created,
    ErrorBody,
    Organization,
    Task,
    to_body,
    to_path,
    to_state,
    to_status,
)
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    Fence,
    InputFile,
    InputsRead,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.calls import Reply
from schemas.errors import (
    ProviderError,
    ProviderQuotaExceeded,
    ProviderUnavailable,
)


class Runway(VendorAdapter):
    """A Runway organization."""

    profile = Profile(
        title="Runway",
        base_url="https://api.dev.runwayml.com",
        headers={"X-Runway-Version": VERSION},
        # Updates come no more often: `GET /v1/tasks/{id}` in https://docs.dev.runwayml.com/api.
        poll_seconds=5.0,
        reads_inputs=InputsRead.UPLOADS,
        cancels=True,
    )

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- Runway does not call back
        generation_id: UUID,  # noqa: ARG002 -- Runway stores no id of ours
        fence: Fence,
    ) -> AcceptedCreate:
        inputs = request.inputs.with_urls({url: self._uri(file) for url, file in request.files.items()})
        body = to_body(request.model, inputs)
        reply = self._account.call("submit", "POST", to_path(request.model, inputs), body=body, fence=fence)
        return AcceptedCreate(self._accepted(reply, Created, "a task", prompt=request.inputs.prompt).id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        return to_state(self._task(self._call("poll", "GET", remote), remote))

    def cancel(self, remote: RemoteRef) -> Cancellation:
        """Stop work that is open; a task that is gone was deleted by a cancel before, whose answer was lost."""
        found = self._call("cancel", "GET", remote)
        if _is_gone(found):
            return Cancellation.STOPPED
        status = to_status(self._task(found, remote))
        if status not in OPEN:
            return Cancellation.STOPPED if status is RemoteStatus.CANCELLED else Cancellation.IMPOSSIBLE
        # Runway's client reads no body and takes any 2xx; a page under a 200 would be a proxy's.
        deleted = self._call("cancel", "DELETE", remote)
        if deleted.status == HTTPStatus.NO_CONTENT or _is_gone(deleted):
            return Cancellation.STOPPED
        raise self._error(deleted)

    def check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/v1/organization")
        return AccountState(credits=self._answer(reply, Organization).credit_balance)

    def _uri(self, file: InputFile) -> str:
        """What a create calls a file, which is uploaded if it must be. May be repeated: nothing is paid for it."""
        data_uri = uploads.to_data_uri(file)
        return self._uploaded(file) if data_uri is None else data_uri

    def _uploaded(self, file: InputFile) -> str:
        begun = self._account.call("begin_upload", "POST", uploads.PATH, body=uploads.to_body(file))
        target = self._answer(begun, uploads.UploadTarget)
        # Whatever that bucket says is of an address that Runway made, not of our key or of the order.
        stored = self._account.post_elsewhere("upload", target.url, uploads.to_form(target, file))
        if not stored.is_success:
            raise ProviderUnavailable(
                f"{self.name} gave an address for an input file that answered HTTP {stored.status}",
                retry_after=stored.retry_after,
            )
        return target.uri

    def _call(self, operation: str, method: Literal["GET", "DELETE"], remote: RemoteRef) -> Reply:
        return self._account.call(operation, method, f"/v1/tasks/{remote.remote_id}")

    def _task(self, reply: Reply, remote: RemoteRef) -> Task:
        """The task that was asked for, as the reply tells of it."""
        task = self._answer(reply, Task)
        if task.id != remote.remote_id:
            raise reply.undocumented("another task")
        return task

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """By the HTTP status, where the text does not say more."""
        body, used_up = reply.read(ErrorBody), USED_UP.get(reply.status)
        if body is not None and used_up is not None and used_up.search(body.error):
            return ProviderQuotaExceeded(
                "runway says that the credits or the day's generations of our account are used up"
            )
        return super()._error(reply, prompt=prompt)

    def _told(self, reply: Reply) -> Told | None:
        body = reply.read(ErrorBody)
        return None if body is None else Told(body.error)


def _is_gone(reply: Reply) -> bool:
    """Whether Runway, and not some page, says that there is no such task."""
    return reply.status == HTTPStatus.NOT_FOUND and reply.read(ErrorBody) is not None
