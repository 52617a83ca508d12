"""ComfyUI on hardware of the operator's own, with a workflow template for each model.

A route's `model` is the name of a template. Each create has a new `prompt_id`. The `client_id` is the generation's id,
which the queue and the history keep: it finds a create whose answer was lost. Absence there proves nothing, so a read
of absent work is `ProviderWorkAbsent`: after `lost_after_seconds` of such reads the work is lost.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from secrets import randbelow
from uuid import UUID, uuid4

from pydantic import Field

from providers.account import read_options
from providers.adapters.comfyui import progress
from providers.adapters.comfyui.values import require_marks, values_for
from providers.adapters.comfyui.wire import (
    Created,
    History,
    Queue,
    Refusal,
    Uploaded,
    prefix_of,
    to_state,
)
from providers.adapters.comfyui.workflows import EXAMPLES, Workflow, WorkflowError, read_folder
from providers.adapters.own_hardware import OwnHardware, ServerOptions
from providers.adapters.vendor_adapter import Told
from providers.adapters.words import no_news
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
from providers.http.calls import Form, FormFile, Reply
from providers.http.transport import Transport
from schemas import media_types
from schemas.errors import InvalidSettings
from schemas.limits import AccountLimits
from schemas.names import ProviderName
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderModelGone,
    ProviderRejected,
    ProviderUnavailable,
    ProviderWorkAbsent,
)
from schemas.setting_groups import ProviderSettings

_EXAMPLES = "examples"
# A graph of a large template has 100 kB. The reply stays far below the transport's bound.
_NEWEST = ("16", "4", "1")
# The server runs one prompt at a time: more only wait there, where a restart loses them.
_IN_FLIGHT = 4
_NOT_FOUND = 404
_BAD_REQUEST = 400
# The largest seed that every sampler takes.
_SEEDS = 2**32
_EXTENSIONS: Mapping[str, str] = {media.content_type: media.extension for media in media_types.TAKEN}
_CANCELLATIONS: Mapping[RemoteStatus, Cancellation] = {
    RemoteStatus.SUCCEEDED: Cancellation.IMPOSSIBLE,
    RemoteStatus.FAILED: Cancellation.IMPOSSIBLE,
    RemoteStatus.CANCELLED: Cancellation.STOPPED,
    RemoteStatus.UNKNOWN: Cancellation.REQUESTED,
}


class _Options(ServerOptions):
    """The options of an account. Absence from queue and history counts as silence of the work."""

    workflows: str = Field(min_length=1)
    """A folder of templates, or `examples`: those of Reelworks."""

    progress_seconds: float = Field(default=1.0, ge=0, le=10)
    """The longest look for the next step, in a read of running work. 0: no look, and progress is an estimate."""

    @property
    def folder(self) -> Path:
        """The folder with the templates."""
        return EXAMPLES if self.workflows == _EXAMPLES else Path(self.workflows)


class ComfyUI(OwnHardware):
    """An account of a ComfyUI server. ComfyUI has no keys: the key is for a proxy in front of the server."""

    profile = Profile(
        title="ComfyUI on a server of yours",
        base_url=None,
        also_needs="`…__BASE_URL`, `…__OPTIONS__WORKFLOWS`",
        reads_inputs=InputsRead.ALL,
        cancels=True,
        keeps_our_id=True,
        serves_results=True,
        bills_nothing=True,
        limits=AccountLimits(in_flight=_IN_FLIGHT),
    )

    options_model = _Options
    options: _Options
    """The options of the account."""

    def __init__(
        self,
        name: ProviderName,
        settings: ProviderSettings,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        """Makes the adapter, without a call. Arguments and errors: as for `VendorAdapter`.

        Args:
            new_id: makes the `prompt_id` of a create.
        """
        super().__init__(name, settings, transport, clock=clock)
        self._new_id = new_id
        self._workflows = _workflows(name, self.options)

    @classmethod
    def models(cls, name: ProviderName, settings: ProviderSettings) -> frozenset[str]:
        """The models with a template."""
        return frozenset(_workflows(name, read_options(name, settings, _Options)))

    def _submit(
        self,
        request: ProviderRequest,
        *,
        callback_url: str | None,  # noqa: ARG002 -- the server calls nobody back
        generation_id: UUID,
        fence: Fence,
    ) -> AcceptedCreate:
        workflow, run = self._workflow(request.model), self._new_id()
        require_marks(workflow, request.inputs)
        images = [self._uploaded(request.files[url]) for url in request.inputs.image_urls]
        values = values_for(workflow, request.inputs, images=images, free_seed=randbelow(_SEEDS))
        body = {
            "prompt": workflow.filled(values, prefix=prefix_of(run)),
            "prompt_id": run,
            "client_id": str(generation_id),
        }
        reply = self._account.call("submit", "POST", "/prompt", body=body, fence=fence)
        created = self._accepted(reply, Created, "a prompt")
        if created.prompt_id != run:
            # The file has our id, and the history would have another: no read could find the result.
            self._forget(created.prompt_id)
            raise ProviderModelGone(f"{self.name} keeps no prompt_id: update ComfyUI (docs/engines.md)")
        return AcceptedCreate(created.prompt_id)

    def _forget(self, prompt_id: str) -> None:
        """Delete a prompt that nobody will read, if it still waits. It costs no money, only the server's time."""
        with suppress(ProviderError):
            self._account.call("cancel", "POST", "/queue", body={"delete": [prompt_id]})

    def _state(self, remote: RemoteRef) -> RemoteState:
        """The state of the run. A prompt that ends between two reads is absent in both: the history is read again."""
        if (ended := self._ended("poll", remote)) is not None:
            return ended
        queue = self._bounded_queue("poll")
        if queue is None:
            return no_news("a queue over the bound of a reply")
        if (running := queue.running(remote.remote_id)) is not None:
            return RemoteState(
                RemoteStatus.RUNNING, progress=self._progress(running.client_id, running.id, running.graph)
            )
        if (waiting := queue.waiting(remote.remote_id)) is not None:
            return RemoteState(RemoteStatus.QUEUED, ahead=queue.ahead_of(waiting))
        if (ended := self._ended("poll", remote)) is not None:
            return ended
        raise ProviderWorkAbsent(f"{self.name} has the prompt neither in its queue nor in its history")

    def _look_up(self, generation_id: UUID) -> AcceptedCreate | None:
        """Search the queue, then the newest prompts of the history."""
        client_id = str(generation_id)
        if (entry := self._queue("look_up").of_client(client_id)) is not None:
            return AcceptedCreate(entry.id)
        for most in _NEWEST:
            with suppress(ProviderBadResponse):
                reply = self._account.call("look_up", "GET", "/history", params={"max_items": most})
                break
        else:
            return None
        found = self._answer(reply, History).of_client(client_id)
        return None if found is None else AcceptedCreate(found)

    def _cancel(self, remote: RemoteRef) -> Cancellation:
        """Stop a run: delete a waiting prompt, interrupt a running one. Both calls answer nothing, so reads tell."""
        if (ended := self._ended("cancel", remote)) is not None:
            return _CANCELLATIONS[ended.status]
        queue = self._bounded_queue("cancel")
        if queue is None or queue.waiting(remote.remote_id) is not None:
            self._stop("/queue", {"delete": [remote.remote_id]})
            queue = self._bounded_queue("cancel")
        if queue is None or queue.running(remote.remote_id) is not None:
            # Without an id, `/interrupt` stops whatever runs.
            self._stop("/interrupt", {"prompt_id": remote.remote_id})
            return Cancellation.REQUESTED
        if queue.waiting(remote.remote_id) is not None:
            return Cancellation.REQUESTED
        ended = self._ended("cancel", remote)
        return Cancellation.STOPPED if ended is None else _CANCELLATIONS[ended.status]

    def _check(self) -> AccountState:
        reply = self._account.call("check", "GET", "/queue")
        if reply.status == _NOT_FOUND:
            raise ProviderRejected(
                f"{self.name} has no ComfyUI at this address, which has no path as a rule (HTTP 404)"
            )
        self._answer(reply, Queue)
        return AccountState()

    def _workflow(self, model: str) -> Workflow:
        try:
            return self._workflows[model]
        except KeyError:
            raise ProviderModelGone(f"{self.name} has no workflow {model}.json any more") from None

    def _uploaded(self, file: InputFile) -> str:
        """The server's name of a picture. The name is the content's hash: equal pictures are one file, others never."""
        digest = hashlib.sha256(file.content).hexdigest()
        name = f"reelworks-{digest}.{_EXTENSIONS.get(file.content_type, 'bin')}"
        form = Form({"type": "input"}, FormFile("image", name, file.content_type, file.content))
        return self._answer(self._account.call("upload", "POST", "/upload/image", body=form), Uploaded).path

    def _ended(self, operation: str, remote: RemoteRef) -> RemoteState | None:
        """The end of a run; None if the history does not have it."""
        reply = self._account.call(operation, "GET", f"/history/{remote.remote_id}")
        history = self._answer(reply, History)
        ended = history.ended(remote.remote_id)
        if ended is None:
            if history.has_prompts:
                raise reply.undocumented("another prompt")
            return None
        state = to_state(self.name, ended, prompt_id=remote.remote_id)
        return replace(state, result_urls=[self._account.url(path) for path in state.result_urls])

    def _queue(self, operation: str) -> Queue:
        return self._answer(self._account.call(operation, "GET", "/queue"), Queue)

    def _bounded_queue(self, operation: str) -> Queue | None:
        """The queue; None if the reply exceeds the transport's bound. Others may fill the queue with large graphs."""
        try:
            reply = self._account.call(operation, "GET", "/queue")
        except ProviderBadResponse:
            return None
        return self._answer(reply, Queue)

    def _stop(self, path: str, body: Mapping[str, object]) -> None:
        reply = self._account.call("cancel", "POST", path, body=body)
        if not reply.is_success:
            raise self._error(reply)

    def _progress(self, client_id: str, prompt_id: str, graph: Mapping[str, object]) -> float | None:
        seconds = self.options.progress_seconds
        if not seconds or not client_id:
            return None
        url = self._account.url("/ws")
        nodes = progress.look(url, client_id, prompt_id, headers=self._account.headers_for(url), seconds=seconds)
        return progress.fraction_of(graph, nodes)  # type: ignore[arg-type]  # parsed JSON

    def _error(self, reply: Reply) -> ProviderError:
        """A refusal that every order would meet is about the template: the next route serves, with an alert."""
        refusal = reply.read(Refusal)
        if reply.call.is_create and reply.status == _BAD_REQUEST and refusal is not None and refusal.is_about_template:
            return ProviderModelGone(f"{reply.call.provider} cannot run the workflow (HTTP 400): {refusal.text}")
        if reply.call.is_create and reply.status == _NOT_FOUND:
            return ProviderUnavailable(f"{reply.call.provider} has no ComfyUI at this address (HTTP 404)")
        return super()._error(reply)

    def _told(self, reply: Reply) -> Told | None:
        refusal = reply.read(Refusal)
        return None if refusal is None else Told(refusal.text)


def _workflows(name: ProviderName, options: _Options) -> dict[str, Workflow]:
    try:
        return read_folder(options.folder)
    except WorkflowError as error:
        raise InvalidSettings(f"REELWORKS_PROVIDERS__{name.upper()}__OPTIONS__WORKFLOWS: {error}") from None
