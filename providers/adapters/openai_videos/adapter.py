"""OpenAI's wire for videos, which gateways serve.

OpenAI has shut down its own service (https://developers.openai.com/api/docs/deprecations), so each account names a base
URL: the one that OpenAI's client takes, which usually ends with `/v1`. The API has no cancel call, stores no id of
ours, and has webhooks for a project, not for a request.

`DELETE` is not used to cancel at a gateway. In OpenAI's API it removes a finished video; another gateway could drop the
record of work that runs on and is billed. The option `engine` names a server of one's own, whose `DELETE` is known.
"""

from dataclasses import replace
from secrets import randbelow
from uuid import UUID

from providers.account import read_options
from providers.adapters.openai_videos.engines import DIALECTS, SEEDS, Engine, to_create
from providers.adapters.openai_videos.wire import Created, Video, original_id, to_form, to_state
from providers.adapters.openai_wire import OpenAIAdapter, says_not_found
from providers.adapters.own_hardware import ServerOptions
from providers.adapters.words import read_status
from providers.base import (
    AcceptedCreate,
    AccountState,
    Cancellation,
    Fence,
    InputsRead,
    Profile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.http.calls import Form, Reply
from providers.http.transport import Transport
from schemas.names import ProviderName
from schemas.setting_groups import ProviderSettings

_OPEN = frozenset({RemoteStatus.QUEUED, RemoteStatus.RUNNING})


class _Options(ServerOptions):
    """The options of an account. `lost_after_seconds` is for servers of one's own."""

    engine: Engine = Engine.GATEWAY
    """The server behind the account."""


class OpenAIVideos(OpenAIAdapter):
    """An account at a gateway for videos, or at a server of one's own."""

    profile = Profile(
        title="a gateway with OpenAI-compatible videos",
        base_url=None,
        also_needs="`…__BASE_URL`",
        serves_results=True,
    )
    things = "videos"

    def __init__(self, name: ProviderName, settings: ProviderSettings, transport: Transport) -> None:
        super().__init__(name, settings, transport)
        self._options = read_options(name, settings, _Options)
        self._dialect = DIALECTS.get(self._options.engine)
        self.profile = self.profile_of(name, settings)  # type: ignore[misc]  # the account's own

    @classmethod
    def profile_of(cls, name: ProviderName, settings: ProviderSettings) -> Profile:
        """The properties of the account's server."""
        dialect = DIALECTS.get(read_options(name, settings, _Options).engine)
        if dialect is None:
            return cls.profile
        return replace(
            cls.profile,
            title=dialect.title,
            reads_inputs=InputsRead.ALL,
            cancels=dialect.aborts,
            bills_nothing=True,
        )

    @property
    def lost_after_seconds(self) -> float | None:
        return None if self._dialect is None else self._options.lost_after_seconds

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the wire has no field for it
        generation_id: UUID,  # noqa: ARG002 -- nor for an id of ours
        fence: Fence,
    ) -> AcceptedCreate:
        if self._dialect is None:
            reply = self._account.call(
                "submit", "POST", "/videos", body=Form(to_form(request.model, request.inputs)), fence=fence
            )
        else:
            file = next((request.files[url] for url in request.inputs.image_urls), None)
            body = to_create(self._dialect, request.model, request.inputs, file, free_seed=randbelow(SEEDS))
            reply = self._account.call("submit", "POST", "/videos", body=body, fence=fence)
        return AcceptedCreate(self._accepted(reply, Created, "a video").id)

    def _state(self, remote: RemoteRef) -> RemoteState:
        path = f"/videos/{remote.remote_id}"
        reply = self._account.call("poll", "GET", path)
        if self._dialect is not None and says_not_found(reply):
            # The videos of such a server are in its memory: it restarted.
            return RemoteState(RemoteStatus.LOST)
        state = to_state(self.name, self._video(reply, remote), content_url=self._account.url(f"{path}/content"))
        if self._dialect is not None and not self._dialect.tells_progress and state.status in _OPEN:
            return RemoteState(RemoteStatus.RUNNING)
        return state

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        """Abort an open video where the server can. Deleting a finished video would remove its file."""
        if self._dialect is None or not self._dialect.aborts:
            return Cancellation.IMPOSSIBLE
        found = self._account.call("cancel", "GET", f"/videos/{remote.remote_id}")
        if says_not_found(found):
            return Cancellation.STOPPED
        status = read_status(self._video(found, remote).status, {})
        if status is RemoteStatus.UNKNOWN:
            raise found.undocumented("a status")
        if status not in _OPEN:
            return Cancellation.STOPPED if status is RemoteStatus.CANCELLED else Cancellation.IMPOSSIBLE
        deleted = self._account.call("cancel", "DELETE", f"/videos/{remote.remote_id}")
        if says_not_found(deleted):
            return Cancellation.STOPPED
        if not deleted.is_success:
            raise self._error(deleted)
        # The abort is best-effort, and the server may have kept a video that was complete.
        again = self._account.call("cancel", "GET", f"/videos/{remote.remote_id}")
        return Cancellation.STOPPED if says_not_found(again) else Cancellation.REQUESTED

    def _video(self, reply: Reply, remote: RemoteRef) -> Video:
        """The requested video, from the reply."""
        video = self._answer(reply, Video)
        if video.id is not None and original_id(video.id) != original_id(remote.remote_id):
            raise reply.undocumented("another video")
        return video

    def _check(self) -> AccountState:
        return self._check_list("/videos", params={"limit": "1"})
