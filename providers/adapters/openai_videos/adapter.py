"""The videos wire that OpenAI left to others: gateways serve it under base URLs of their own.

OpenAI has shut its own service down (https://developers.openai.com/api/docs/deprecations), so there is no address but
the account's: the one that OpenAI's client would be given, which mostly ends with `/v1`. The wire has no call that
stops a video (`DELETE` removes it), keeps no id of ours, and knows webhooks of a project only, not of a request.
"""

from collections.abc import Mapping
from uuid import UUID

from pydantic import ValidationError

from providers.account import Account
from providers.adapters import openai_wire
from providers.adapters.openai_videos.wire import Video, original_id, to_form, to_state
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
from providers.http.calls import Form, Reply
from providers.http.transport import Transport
from schemas.errors import CallbackRefused
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

_THINGS = "videos"


class OpenAIVideos:
    """An account at a gateway."""

    calls_back = False
    reads_inputs = InputsRead.NONE
    create_seconds = None
    poll_seconds = 0.0

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        """Raises `InvalidSettings` where the settings name no base URL."""
        self.name = name
        self._account = Account(name, settings, transport, base_url=None)

    def submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the wire has no field for it
        generation_id: UUID,  # noqa: ARG002 -- nor for an id of ours
        fence: Fence,
    ) -> Submission:
        form = Form(to_form(request.model, request.inputs))
        reply = self._account.call("submit", "POST", "/videos", body=form, fence=fence)
        video = _video(reply)
        if video is None:
            raise openai_wire.to_error(self._account, reply, _THINGS, prompt=request.inputs.prompt)
        if not reply.is_success:
            raise reply.undocumented("an error and a video at once")
        return Submission(video.id)

    def poll(self, remote: RemoteRef) -> RemoteState:
        path = f"/videos/{remote.remote_id}"
        reply = self._account.call("poll", "GET", path)
        video = _video(reply) if reply.is_success else None
        if video is None:
            raise openai_wire.to_error(self._account, reply, _THINGS)
        if original_id(video.id) != original_id(remote.remote_id):
            raise reply.undocumented("another video")
        return to_state(self.name, video, content_url=self._account.url(f"{path}/content"))

    def look_up(self, generation_id: UUID) -> Submission | None:  # noqa: ARG002 -- the wire keeps no id of ours
        return None

    def cancel(self, remote: RemoteRef) -> Cancellation:  # noqa: ARG002 -- the wire has no call for it
        return Cancellation.IMPOSSIBLE

    def check(self) -> AccountState:
        return openai_wire.check(self._account, _THINGS, params={"limit": "1"})

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> CallbackReading:  # noqa: ARG002
        raise CallbackRefused("nobody was asked to call back: the wire has no callbacks of a request")

    def result_request(self, link: str) -> ResultRequest:
        return ResultRequest(link, headers=self._account.headers_for(link))


def _video(reply: Reply) -> Video | None:
    try:
        return Video.model_validate_json(reply.content)
    except ValidationError:
        return None
