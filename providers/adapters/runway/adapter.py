"""Runway (https://docs.dev.runwayml.com): videos and pictures of its own models and Veo; a piece of work is a task.

It fetches inputs only from where HEAD is answered, so customers' uploads go to it as files.

Runway does not call back. Deleting an open task stops it, which Runway may bill all the same, and deleting a finished
one takes its result away; either can never be read again (https://docs.dev.runwayml.com/api, `DELETE
/v1/tasks/{id}`). The links to a result are made anew with every read.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from providers.account import Account
from providers.adapters.runway import uploads
from providers.adapters.runway.wire import (
    OPEN,
    USED_UP,
    VERSION,
    Created,
    Organization,
    Problem,
    Task,
    to_body,
    to_path,
    to_state,
    to_status,
)
from providers.base import (
    AccountState,
    CallbackReading,
    Cancellation,
    Fence,
    InputFile,
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
    ProviderQuotaExceeded,
    ProviderRejected,
    ProviderUnavailable,
)
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

BASE_URL = "https://api.dev.runwayml.com"

P = TypeVar("P", bound=BaseModel)


class Runway:
    """A Runway organization."""

    calls_back = False
    reads_inputs = InputsRead.UPLOADS
    create_seconds = None
    poll_seconds = 5.0
    """Updates come no more often: `GET /v1/tasks/{id}` in https://docs.dev.runwayml.com/api."""

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        self.name = name
        self._account = Account(name, settings, transport, base_url=BASE_URL, headers={"X-Runway-Version": VERSION})

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- Runway does not call back
        generation_id: UUID,  # noqa: ARG002 -- Runway stores no id of ours
        fence: Fence,
    ) -> Submission:
        inputs = request.inputs.with_urls({url: self._uri(file) for url, file in request.files.items()})
        body = to_body(request.model, inputs)
        reply = self._account.call("submit", "POST", to_path(request.model, inputs), body=body, fence=fence)
        created = _read(Created, reply)
        if created is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and a task at once")
        return Submission(created.id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        return to_state(self._task(self._call("poll", "GET", remote), remote))

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- Runway stores no id of ours
        return None

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
        organization = _read(Organization, reply) if reply.is_success else None
        if organization is None:
            raise self._error(reply)
        return AccountState(credits=organization.credit_balance)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused("runway does not call back")

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link)

    def _uri(self, file: InputFile) -> str:
        """What a create calls a file, which is uploaded if it must be. May be repeated: nothing is paid for it."""
        data_uri = uploads.to_data_uri(file)
        return self._uploaded(file) if data_uri is None else data_uri

    def _uploaded(self, file: InputFile) -> str:
        begun = self._account.call("begin_upload", "POST", uploads.PATH, body=uploads.to_body(file))
        upload = _read(uploads.Upload, begun) if begun.is_success else None
        if upload is None:
            raise self._error(begun)
        # Whatever that bucket says is of an address that Runway made, not of our key or of the order.
        stored = self._account.post_elsewhere("upload", upload.url, uploads.to_form(upload, file))
        if not stored.is_success:
            raise ProviderUnavailable(
                f"{self.name} gave an address for an input file that answered HTTP {stored.status}",
                retry_after=stored.retry_after,
            )
        return upload.uri

    def _call(self, operation: str, method: Literal["GET", "DELETE"], remote: RemoteRef) -> Reply:
        return self._account.call(operation, method, f"/v1/tasks/{remote.remote_id}")

    def _task(self, reply: Reply, remote: RemoteRef) -> Task:
        """The task that was asked for, as the reply tells of it."""
        task = _read(Task, reply) if reply.is_success else None
        if task is None:
            raise self._error(reply)
        if task.id != remote.remote_id:
            raise reply.undocumented("another task")
        return task

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without what was asked for: by the HTTP status, where the text does not say more."""
        error, problem = reply.unreadable(), _read(Problem, reply)
        if problem is None:
            return error
        used_up = USED_UP.get(reply.status)
        if used_up is not None and used_up.search(problem.error):
            return ProviderQuotaExceeded(
                "runway says that the credits or the day's generations of our account are used up"
            )
        if type(error) is not ProviderRejected:
            return error
        return ProviderRejected(f"{error.message}: {self._account.quotable(problem.error, prompt=prompt)}")


def _read(payload: type[P], reply: Reply) -> P | None:
    try:
        return payload.model_validate_json(reply.content)
    except ValidationError:
        return None


def _is_gone(reply: Reply) -> bool:
    """Whether Runway, and not some page, says that there is no such task."""
    return reply.status == HTTPStatus.NOT_FOUND and _read(Problem, reply) is not None
