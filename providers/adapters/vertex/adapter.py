"""Vertex AI (https://docs.cloud.google.com/gemini-enterprise-agent-platform): Google's Veo, for a Google Cloud project.

Veo does not call back, and no call stops what it has begun. It takes pictures and videos as base64. The video comes the
same way, unless the account has a `storage_uri`: then Google writes it into that bucket, where it stays.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from providers.account import Account, read_options
from providers.adapters.vertex.credentials import read_credentials
from providers.adapters.vertex.wire import (
    BYTES,
    VERSION,
    Created,
    GcsUri,
    Operation,
    Refusal,
    bucket_of,
    create_path,
    host_of,
    location_path,
    object_url,
    read_body,
    read_path,
    to_body,
    to_state,
)
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
from schemas.errors import CallbackRefused, ProviderBadResponse, ProviderError, ProviderRejected, ProviderUnavailable
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

P = TypeVar("P", bound=BaseModel)

_JSON_OBJECT = TypeAdapter(dict[str, JsonValue])


class Options(BaseModel):
    """What an account is told besides its key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(pattern=r"^[a-z0-9][a-z0-9.:-]*$")
    """The Google Cloud project that pays."""
    location: str = Field(default="us-central1", pattern=r"^[a-z0-9-]+$")
    storage_uri: GcsUri | None = None
    """Where Google writes the videos, `gs://bucket/prefix/`; None: they come in the answers."""
    storage_url: str = "https://storage.googleapis.com"
    """Where Cloud Storage is. Our token goes there."""


class Vertex:
    """A Google Cloud project at Vertex AI."""

    calls_back = False
    reads_inputs = InputsRead.ALL
    create_seconds = 180.0
    """A video to extend has tens of megabytes."""
    poll_seconds = 0.0

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        """Raises `InvalidSettings` without a project, or for a key that is a broken key file."""
        self.name = name
        self._options = read_options(name, settings, Options)
        self._credentials = read_credentials(name, settings, transport)
        self._account = Account(
            name,
            settings,
            transport,
            base_url=host_of(self._options.location),
            credentials=self._credentials,
            create_seconds=self.create_seconds,
        )

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- Veo does not call back
        generation_id: UUID,  # noqa: ARG002 -- Google stores no id of ours that could be looked up
        fence: Fence,
    ) -> Submission:
        body = to_body(request.model, request.inputs, request.files, storage_uri=self._options.storage_uri)
        path = create_path(self._options.project, self._options.location, request.model)
        reply = self._account.call("submit", "POST", path, body=body, fence=fence)
        created = _read(Created, reply)
        if created is None:
            raise self._error(reply, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and an operation at once")
        return Submission(created.name)

    def poll(self, remote: RemoteRef) -> RemoteState:
        name = remote.remote_id
        reply = self._account.call("poll", "POST", read_path(name), body=read_body(name), elide=BYTES)
        operation = _read(Operation, reply) if reply.is_success else None
        if operation is None:
            raise self._error(reply)
        # Not all of the name: Google may call a project by its number.
        if _last(operation.name) != _last(name):
            raise reply.undocumented("another operation")
        return to_state(self.name, operation, inline_link=self._account.url(f"{VERSION}/{name}"))

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- as above
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- there is no call for it
        return Cancellation.IMPOSSIBLE

    def check(self) -> AccountState:
        """Ask for what the project has cached for other models, which needs the same permission and costs nothing."""
        path = f"{location_path(self._options.project, self._options.location)}/cachedContents"
        reply = self._account.call("check", "GET", path, params={"pageSize": "1"})
        if not reply.is_success:
            raise self._error(reply)
        try:
            _JSON_OBJECT.validate_json(reply.content)
        except ValidationError:
            raise reply.unreadable() from None
        return AccountState()

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused("veo does not call back")

    def result_request(self, link: str) -> ResultRequest:
        """An object in Cloud Storage, or the operation that holds the video; no other host gets our token.

        Raises:
            ProviderUnavailable, ProviderAuthFailed: there is no token.
            ProviderBadResponse: the object is in nobody's bucket that we named.
        """
        if link.startswith("gs://"):
            # Our token reads more buckets than the one that we told Google of.
            if self._options.storage_uri is None or bucket_of(link) != bucket_of(self._options.storage_uri):
                raise ProviderBadResponse(f"{self.name} put the video where it was not told to")
            return ResultRequest(object_url(self._options.storage_url.rstrip("/"), link), headers=self._credentials())
        path = self._account.path_of(link)
        if path is None:
            return ResultRequest(link)
        name = path.removeprefix(f"{VERSION}/")
        return ResultRequest(
            self._account.url(read_path(name)), headers=self._credentials(), body=read_body(name), embedded_in=BYTES
        )

    def _error(self, reply: Reply, *, prompt: str = "") -> ProviderError:
        """The error of an answer without what was asked for: the HTTP status is Google's verdict."""
        error, refusal = reply.unreadable(), _read(Refusal, reply)
        told = (
            ""
            if refusal is None
            else self._account.quotable(refusal.error.message, prompt=prompt, secrets=reply.call.headers.values())
        )
        text = f"{error.message}: {told}" if told else error.message
        if reply.status == HTTPStatus.NOT_FOUND and reply.call.is_create:
            # Not the order is wrong: Google has retired the model, or does not have it at this location.
            return ProviderUnavailable(text)
        return ProviderRejected(text) if type(error) is ProviderRejected else error


def _read(payload: type[P], reply: Reply) -> P | None:
    try:
        return payload.model_validate_json(reply.content)
    except ValidationError:
        return None


def _last(name: str) -> str:
    return name.rpartition("/")[2]
