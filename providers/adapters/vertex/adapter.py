"""Vertex AI (https://docs.cloud.google.com/gemini-enterprise-agent-platform): Google's Veo, for a Google Cloud project.

Veo does not call back and has no cancel call. It takes images and videos as base64. The answer contains the video as
base64, unless the account has a `storage_uri`: then Google writes the video into that bucket, where it stays.
"""

from http import HTTPStatus
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel

from providers.account import read_options
from providers.adapters.vendor_adapter import Told, VendorAdapter
from providers.adapters.vertex.credentials import read_credentials
from providers.adapters.vertex.wire import (
    BYTES,
    MODELS,
    VERSION,
    Created,
    ErrorBody,
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
    AcceptedCreate,
    AccountState,
    Fence,
    InputsRead,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    ResultRequest,
)
from providers.http.calls import Reply
from providers.http.transport import Transport
from schemas.limits import AccountLimits, CreateRate, FamilyLimits
from schemas.names import ProviderName
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderUnavailable
from schemas.setting_groups import ProviderSettings


class Options(BaseModel):
    """The options of an account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(pattern=r"^[a-z0-9][a-z0-9.:-]*$")
    """The Google Cloud project to bill."""
    location: str = Field(default="us-central1", pattern=r"^[a-z0-9-]+$")
    """The location of the API."""
    storage_uri: GcsUri | None = None
    """The prefix under which Google writes the videos, `gs://bucket/prefix/`. None: the answers contain the videos."""
    storage_url: str = "https://storage.googleapis.com"
    """The address of Cloud Storage. Our token is sent to this address."""


class _JsonObject(RootModel[dict[str, JsonValue]]):
    """An answer whose content is not used."""


class Vertex(VendorAdapter):
    """A Google Cloud project with Vertex AI."""

    profile = Profile(
        title="Google's Vertex AI",
        base_url=None,
        also_needs="`…__OPTIONS__PROJECT`",
        # A create can contain a video of tens of megabytes.
        create_seconds=180.0,
        reads_inputs=InputsRead.ALL,
        # The default quota of a project, for each model at each location:
        # https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/veo/3-1-generate
        limits=AccountLimits(
            families={
                model: FamilyLimits(models=[f"{model}*"], creates=[CreateRate(most=50, seconds=60)])
                for model in sorted(MODELS)
            }
        ),
    )

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        """Makes the adapter, without a call.

        Raises:
            InvalidSettings: the project is missing, or the key is a broken key file.
        """
        self._options = read_options(name, settings, Options)
        self._credentials = read_credentials(name, settings, transport)
        base_url = host_of(self._options.location)
        super().__init__(name, settings, transport, base_url=base_url, credentials=self._credentials)

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- Veo does not call back
        generation_id: UUID,  # noqa: ARG002 -- Google stores no id of ours that could be looked up
        fence: Fence,
    ) -> AcceptedCreate:
        body = to_body(request.model, request.inputs, request.files, storage_uri=self._options.storage_uri)
        path = create_path(self._options.project, self._options.location, request.model)
        reply = self._account.call("submit", "POST", path, body=body, fence=fence)
        return AcceptedCreate(self._accepted(reply, Created, "an operation").name)

    def _state(self, remote: RemoteRef) -> RemoteState:
        name = remote.remote_id
        reply = self._account.call("poll", "POST", read_path(name), body=read_body(name), elide=BYTES)
        operation = self._answer(reply, Operation)
        # Compare only the last part: the rest can contain the project's number in place of its name.
        if operation.name is not None and _last(operation.name) != _last(name):
            raise reply.undocumented("another operation")
        return to_state(self.name, operation, inline_link=self._account.url(f"{VERSION}/{name}"))

    def _check(self) -> AccountState:
        """List the project's cached contents, which needs the same permission as a create and costs nothing."""
        path = f"{location_path(self._options.project, self._options.location)}/cachedContents"
        reply = self._account.call("check", "GET", path, params={"pageSize": "1"})
        self._answer(reply, _JsonObject)
        return AccountState()

    def _result_request(self, link: str) -> ResultRequest:
        """The request for an object in Cloud Storage, or for the operation that contains the video.

        Only these two hosts get our token.

        Raises:
            ProviderUnavailable, ProviderAuthFailed: there is no token.
            ProviderBadResponse: the object is not in the account's bucket.
        """
        if link.startswith("gs://"):
            # Our token can read other buckets too, so check the bucket.
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

    def _error(self, reply: Reply) -> ProviderError:
        """The HTTP status decides, except for a model that Google does not have."""
        error = super()._error(reply)
        if reply.status == HTTPStatus.NOT_FOUND and reply.call.is_create:
            # Google has retired the model, or does not have it at this location. The order is not at fault.
            return ProviderUnavailable(error.message)
        return error

    def _told(self, reply: Reply) -> Told | None:
        refusal = reply.read(Refusal)
        return None if refusal is None else Told(ErrorBody.of(refusal.error).message)


def _last(name: str) -> str:
    return name.rpartition("/")[2]
