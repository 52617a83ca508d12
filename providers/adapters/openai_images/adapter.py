"""OpenAI's wire for pictures: gateways serve it under base URLs of their own.

There is no address but the account's: the one that OpenAI's client would be given, which mostly ends with `/v1`. A
create is answered with the finished picture, so it takes as long as that does, and there is nothing to ask for later:
the link is kept, or the picture itself, in which OpenAI's own models of today answer; and the id is our own.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError

from providers.account import Account
from providers.adapters import openai_wire
from providers.adapters.openai_images.wire import Pictures, to_body
from providers.base import (
    STORED_FILE,
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
from schemas.errors import CallbackRefused, ProviderOutcomeUnknown, ProviderRejected
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

_PICTURE = "picture"
_EMBEDDED = "b64_json"


class OpenAIImages:
    """An account at a gateway."""

    calls_back = False
    reads_inputs = InputsRead.NONE
    create_seconds = 180.0
    """A picture takes up to a minute or two."""
    poll_seconds = 0.0

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        """Raises `InvalidSettings` where the settings name no base URL."""
        self.name = name
        self._account = Account(name, settings, transport, base_url=None, create_seconds=self.create_seconds)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the answer brings the picture
        generation_id: UUID,
        fence: Fence,
    ) -> Submission:
        body = to_body(request.model, request.inputs)
        reply = self._account.call(
            "submit", "POST", "/images/generations", body=body, fence=fence, elide=_EMBEDDED, keeps_file=True
        )
        pictures = _pictures(reply)
        if pictures is None:
            raise openai_wire.to_error(self._account, reply, "pictures", prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and pictures at once")
        if not pictures.data:
            raise reply.undocumented("no picture")
        link = pictures.data[0].link
        if link is not None:
            return Submission(str(generation_id), {_PICTURE: link}, is_finished=True)
        if reply.file:
            return Submission(str(generation_id), file=reply.file, is_finished=True)
        raise ProviderOutcomeUnknown(f"{self.name} answered with neither a link to the picture nor the picture itself")

    def poll(self, remote: RemoteRef) -> RemoteState:
        """The picture that came with the create; calls nobody."""
        link = remote.links.get(_PICTURE) or remote.links.get(STORED_FILE)
        if link is None:
            raise ProviderRejected(f"{self.name} keeps no pictures: only the answer of the create names one")
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- the wire keeps no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- what has a link is over
        return Cancellation.IMPOSSIBLE

    def check(self) -> AccountState:
        return openai_wire.check(self._account, "models")

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused("nobody was asked to call back: the wire has no callbacks")

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link, headers=self._account.headers_for(link))


def _pictures(reply: Reply) -> Pictures | None:
    try:
        return Pictures.model_validate_json(reply.content)
    except ValidationError:
        return None
