"""OpenAI's wire for videos, which gateways serve.

OpenAI has shut down its own service (https://developers.openai.com/api/docs/deprecations), so each account names a base
URL: the one that OpenAI's client takes, which usually ends with `/v1`. The API has no cancel call, stores no id of
ours, and has webhooks for a project, not for a request.

`DELETE` is not used to cancel. In OpenAI's API it removes a finished video. At vLLM-Omni it also aborts a running one,
but another gateway could drop the record of work that runs on and is billed.
"""

from uuid import UUID

from providers.adapters.openai_videos.wire import Created, Video, original_id, to_form, to_state
from providers.adapters.openai_wire import OpenAIAdapter
from providers.base import (
    AcceptedCreate,
    AccountState,
    Fence,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
)
from providers.http.calls import Form


class OpenAIVideos(OpenAIAdapter):
    """An account at a gateway for videos."""

    profile = Profile(
        title="a gateway with OpenAI-compatible videos",
        base_url=None,
        also_needs="`…__BASE_URL`",
        serves_results=True,
    )
    things = "videos"

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the wire has no field for it
        generation_id: UUID,  # noqa: ARG002 -- nor for an id of ours
        fence: Fence,
    ) -> AcceptedCreate:
        form = Form(to_form(request.model, request.inputs))
        reply = self._account.call("submit", "POST", "/videos", body=form, fence=fence)
        return AcceptedCreate(self._accepted(reply, Created, "a video").id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        path = f"/videos/{remote.remote_id}"
        reply = self._account.call("poll", "GET", path)
        video = self._answer(reply, Video)
        if video.id is not None and original_id(video.id) != original_id(remote.remote_id):
            raise reply.undocumented("another video")
        return to_state(self.name, video, content_url=self._account.url(f"{path}/content"))

    def _check(self) -> AccountState:
        return self._check_list("/videos", params={"limit": "1"})
