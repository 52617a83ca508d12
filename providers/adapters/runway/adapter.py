"""Runway (https://docs.dev.runwayml.com): videos and images by Runway's models and Veo. Runway calls a work a task.

Runway fetches inputs only from hosts that answer HEAD, so the adapter sends customers' uploads as files.

Runway does not call back. Deleting an open task stops it, and Runway can bill it nevertheless. Deleting a finished task
removes its result. A deleted task can never be read again (https://docs.dev.runwayml.com/api, `DELETE
/v1/tasks/{id}`). Every read returns new links to the result.
"""

from http import HTTPStatus
from typing import Literal
from uuid import UUID

from providers.adapters.runway import uploads
from providers.adapters.runway.forms import to_body, to_path
from providers.adapters.runway.wire import (
    OPEN,
    VERSION,
    Created,
    ErrorBody,
    Organization,
    Task,
    to_state,
    to_status,
    used_up,
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
from schemas.provider_errors import ProviderError, ProviderUnavailable


class Runway(VendorAdapter):
    """A Runway organization."""

    profile = Profile(
        title="Runway",
        base_url="https://api.dev.runwayml.com",
        headers={"X-Runway-Version": VERSION},
        # The state does not change more often: `GET /v1/tasks/{id}` in https://docs.dev.runwayml.com/api.
        poll_seconds=5.0,
        reads_inputs=InputsRead.UPLOADS,
        cancels=True,
    )

    def _submit(
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
        return AcceptedCreate(self._accepted(reply, Created, "a task").id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        return to_state(self._task(self._call("poll", "GET", remote), remote))

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        """Stop an open task. A missing task means that an earlier cancel deleted it and its answer was lost."""
        found = self._call("cancel", "GET", remote)
        if _is_gone(found):
            return Cancellation.STOPPED
        status = to_status(self._task(found, remote))
        if status is RemoteStatus.UNKNOWN:
            # The task may be finished, and deleting it would remove its result.
            raise found.undocumented("a status")
        if status not in OPEN:
            return Cancellation.STOPPED if status is RemoteStatus.CANCELLED else Cancellation.IMPOSSIBLE
        # Only 204 counts, because a proxy could send a page with 200. Runway's client accepts any 2xx without a look at
        # the body.
        deleted = self._call("cancel", "DELETE", remote)
        if deleted.status == HTTPStatus.NO_CONTENT or _is_gone(deleted):
            return Cancellation.STOPPED
        raise self._error(deleted)

    def _check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/v1/organization")
        return AccountState(credits=self._answer(reply, Organization).credit_balance)

    def _uri(self, file: InputFile) -> str:
        """The URI of a file for a create. Uploads a large file. Safe to repeat, because uploads cost nothing."""
        data_uri = uploads.to_data_uri(file)
        return self._uploaded(file) if data_uri is None else data_uri

    def _uploaded(self, file: InputFile) -> str:
        begun = self._account.call("begin_upload", "POST", uploads.PATH, body=uploads.to_body(file))
        target = self._answer(begun, uploads.UploadTarget)
        # Runway supplied the bucket's URL, so a refusal there is not about our key or the order.
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
        """The requested task, from the reply."""
        task = self._answer(reply, Task)
        if task.id not in {None, remote.remote_id}:
            raise reply.undocumented("another task")
        return task

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for the texts that `used_up` knows."""
        body = reply.read(ErrorBody)
        error = None if body is None else used_up(reply.status, body.text)
        return error or super()._error(reply)

    def _told(self, reply: Reply) -> Told | None:
        body = reply.read(ErrorBody)
        return None if body is None else Told(body.text)


def _is_gone(reply: Reply) -> bool:
    """Whether Runway itself answers that the task does not exist. A web page with 404 does not count."""
    return reply.status == HTTPStatus.NOT_FOUND and reply.read(ErrorBody) is not None
