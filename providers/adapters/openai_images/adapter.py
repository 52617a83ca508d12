"""OpenAI's wire for images, which gateways serve too.

The account's base URL is the one that OpenAI's client takes, which usually ends with `/v1`. The answer to a create
contains the finished image, so a create takes as long as the generation, and no later call is needed. The answer has a
link or the image itself; OpenAI's current models return the image. The remote id is our id.
"""

from uuid import UUID

from providers.adapters.openai_images.wire import Pictures, to_body
from providers.adapters.openai_wire import OpenAIAdapter
from providers.base import (
    STORED_FILE,
    AcceptedCreate,
    AccountState,
    Fence,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from schemas.enums import ErrorCode
from schemas.provider_errors import ProviderRejected

_PICTURE = "picture"
_EMBEDDED = "b64_json"


class OpenAIImages(OpenAIAdapter):
    """An account at a gateway for images."""

    profile = Profile(
        title="a gateway with OpenAI-compatible pictures, or OpenAI itself",
        base_url=None,
        also_needs="`…__BASE_URL`",
        # An image takes up to two minutes.
        create_seconds=180.0,
        serves_results=True,
    )
    things = "pictures"

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the answer brings the picture
        generation_id: UUID,
        fence: Fence,
    ) -> AcceptedCreate:
        body = to_body(request.model, request.inputs)
        reply = self._account.call(
            "submit", "POST", "/images/generations", body=body, fence=fence, elide=_EMBEDDED, keeps_file=True
        )
        pictures = self._accepted(reply, Pictures, "pictures")
        if reply.file:
            return AcceptedCreate(str(generation_id), file=reply.file, is_finished=True)
        if pictures.link is not None:
            link = self._account.absolute(pictures.link)
            return AcceptedCreate(str(generation_id), {_PICTURE: link}, is_finished=True)
        text = f"{self.name} answered with neither a link to the picture nor the picture itself"
        raise ProviderRejected(text, code=ErrorCode.PROVIDER_FAILED)

    def _state(self, remote: RemoteRef) -> RemoteState:
        """The image that the create returned. Makes no call."""
        link = remote.links.get(_PICTURE) or remote.links.get(STORED_FILE)
        if link is None:
            raise ProviderRejected(f"{self.name} keeps no pictures: only the answer of the create names one")
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])

    def _check(self) -> AccountState:
        return self._check_list("/models")
