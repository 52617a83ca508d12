"""ComfyUI's wire, as data and pure functions: queue, history, files, refusals.

Sources: answers recorded from a server, and https://docs.comfy.org/development/comfyui-server/comms_routes.

- `/history/{id}` is `{}` with 200 for prompts that are unknown, waiting, running, deleted or lost alike.
- Our `prompt_id` is kept, and makes nothing unique: sent twice, it is queued twice.
- An output node that ran before with the same inputs does not run again: it answers with the file of the first run.
- A cancelled prompt has `status_str` "error" and a message `execution_interrupted`.
- Videos stand under `images`, beside `animated: [true]`.
- A restart empties the queue and the history. Files stay.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from pydantic import JsonValue, RootModel, StringConstraints, model_validator

from providers.adapters.payload import Lenient, Payload, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from schemas.names import ProviderName

# The id becomes part of a URL's path.
PromptId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]

STATUSES: Final[Mapping[str, RemoteStatus]] = {"success": RemoteStatus.SUCCEEDED, "error": RemoteStatus.FAILED}

_INTERRUPTED: Final = "execution_interrupted"
_FAILED: Final = "execution_error"
_BEGAN: Final = "execution_start"
_SUCCEEDED: Final = "execution_success"

# Types of a refusal that a template causes and no order: a node class or a model file that the server lacks.
_OF_GRAPH: Final = frozenset({"invalid_prompt", "missing_node_type", "prompt_no_outputs", "no_prompt"})
_OF_NODE: Final = frozenset({"value_not_in_list", "required_input_missing", "return_type_mismatch"})

_OF_ERRORS: Final = frozenset({"error", "detail"})
_OF_PROMPTS: Final = frozenset({"prompt", "outputs", "status"})

FOLDER: Final = "reelworks"


class Created(Payload):
    """The answer to a create."""

    prompt_id: PromptId


class Uploaded(Payload):
    """The answer to an upload."""

    name: Annotated[str, StringConstraints(min_length=1)]
    subfolder: Lenient[str] = None

    @property
    def path(self) -> str:
        """The value of a node that loads the picture."""
        return f"{self.subfolder}/{self.name}" if self.subfolder else self.name


class Refusal(Payload):
    """The answer to a refused create."""

    error: JsonValue = None
    node_errors: JsonValue = None

    @property
    def text(self) -> str:
        """The message, the details, and the problem of each node."""
        error = self.error if isinstance(self.error, dict) else {"message": self.error}
        told = [*texts(error.get("message")), *texts(error.get("details")), *map(_told_by_node, self._node_errors())]
        return "; ".join(dict.fromkeys(told))

    @property
    def is_about_template(self) -> bool:
        """Whether the server lacks a part of the graph. Any order would be refused."""
        kind = self.error.get("type") if isinstance(self.error, dict) else None
        return kind in _OF_GRAPH or any(each.get("type") in _OF_NODE for each in self._node_errors())

    def _node_errors(self) -> Iterator[Mapping[str, JsonValue]]:
        for node in self.node_errors.values() if isinstance(self.node_errors, dict) else ():
            errors = node.get("errors") if isinstance(node, dict) else None
            yield from (each for each in (errors if isinstance(errors, list) else []) if isinstance(each, dict))


def _told_by_node(error: Mapping[str, JsonValue]) -> str:
    return ": ".join([*texts(error.get("message")), *texts(error.get("details"))])


class Status(Payload):
    """The end of a prompt."""

    status_str: JsonValue = None
    messages: JsonValue = None

    def message(self, kind: str) -> Mapping[str, JsonValue] | None:
        """The data of the message of a kind."""
        for each in self.messages if isinstance(self.messages, list) else []:
            match each:
                case [str(name), dict() as data] if name == kind:
                    return data
        return None

    @property
    def seconds(self) -> float | None:
        """The time from the start to the success, as the server measures it."""
        times = [(self.message(kind) or {}).get("timestamp") for kind in (_BEGAN, _SUCCEEDED)]
        match times:
            case [int(begin), int(end)] if begin <= end:
                return (end - begin) / 1000
        return None


class Ended(Payload):
    """A prompt of the history."""

    status: Lenient[Status] = None
    outputs: JsonValue = None

    def files(self) -> Iterator[Mapping[str, JsonValue]]:
        """Each file of each output node, whatever its list is called. `animated` holds flags."""
        for output in self.outputs.values() if isinstance(self.outputs, dict) else ():
            for files in output.values() if isinstance(output, dict) else ():
                yield from (
                    file
                    for file in (files if isinstance(files, list) else [])
                    if isinstance(file, dict) and isinstance(file.get("filename"), str)
                )


class History(RootModel[dict[str, JsonValue]]):
    """The answer to a read of the history: prompts by id, or nothing."""

    @model_validator(mode="after")
    def _is_no_error(self) -> Self:
        if not _OF_ERRORS.isdisjoint(self.root):
            raise ValueError("is an error of a proxy")
        return self

    def ended(self, prompt_id: str) -> Ended | None:
        """The prompt of this id."""
        found = self.root.get(prompt_id)
        return Ended.model_validate(found) if isinstance(found, dict) else None

    def of_client(self, client_id: str) -> str | None:
        """The id of the newest prompt of a client."""
        entries = [Entry.of_ended(each) for each in self.root.values()]
        return next((entry.id for entry in reversed(entries) if entry.client_id == client_id), None)

    @property
    def has_prompts(self) -> bool:
        """Whether there are prompts. Other members say nothing."""
        return any(isinstance(each, dict) and not _OF_PROMPTS.isdisjoint(each) for each in self.root.values())


class Queue(Payload):
    """The queue. Each entry is number, id, graph, `extra_data`, output nodes; those that wait are in no order."""

    queue_running: list[list[JsonValue]]
    queue_pending: list[list[JsonValue]]

    def running(self, prompt_id: str) -> "Entry | None":
        """The running prompt, if it is this one."""
        return next((entry for entry in map(Entry, self.queue_running) if entry.id == prompt_id), None)

    def waiting(self, prompt_id: str) -> "Entry | None":
        """The waiting prompt of this id."""
        return next((entry for entry in map(Entry, self.queue_pending) if entry.id == prompt_id), None)

    def ahead_of(self, prompt: "Entry") -> int:
        """The prompts before a waiting one."""
        return len(self.queue_running) + sum(entry.number < prompt.number for entry in map(Entry, self.queue_pending))

    def of_client(self, client_id: str) -> "Entry | None":
        """The first prompt of a client."""
        return next(
            (each for each in map(Entry, (*self.queue_running, *self.queue_pending)) if each.client_id == client_id),
            None,
        )


class Entry:
    """An entry of the queue, or the `prompt` of an entry of the history."""

    def __init__(self, fields: list[JsonValue]) -> None:
        number, prompt_id, graph, extra = [*fields, None, None, None, None][:4]
        self.number = number if isinstance(number, int | float) else 0.0
        self.id = prompt_id if isinstance(prompt_id, str) else ""
        self.graph = graph if isinstance(graph, dict) else {}
        client = extra.get("client_id") if isinstance(extra, dict) else None
        self.client_id = client if isinstance(client, str) else ""

    @classmethod
    def of_ended(cls, ended: JsonValue) -> "Entry":
        """The entry that a prompt of the history had in the queue."""
        entry = ended.get("prompt") if isinstance(ended, dict) else None
        return cls(entry if isinstance(entry, list) else [])


def prefix_of(prompt_id: str) -> str:
    """The prefix of the result's file name: unique for each run, so no run is answered with an earlier run's file."""
    return f"{FOLDER}/{prompt_id}"


def view_path(file: Mapping[str, JsonValue]) -> str:
    """The path of a file's bytes."""
    usual = {"filename": "", "subfolder": FOLDER, "type": "output"}
    named = {name: str(file.get(name, value)) for name, value in usual.items()}
    return f"/view?{urlencode(named)}"


def to_state(provider: ProviderName, ended: Ended, *, prompt_id: str) -> RemoteState:
    """The state of a prompt of the history. Its links are paths for `view_path`."""
    status = ended.status or Status()
    match read_status(status.status_str, STATUSES):
        case RemoteStatus.SUCCEEDED:
            return _finished(provider, ended, status, prompt_id)
        case RemoteStatus.CANCELLED:
            return RemoteState(RemoteStatus.CANCELLED)
        case RemoteStatus.FAILED if status.message(_INTERRUPTED) is not None:
            return RemoteState(RemoteStatus.CANCELLED)
        case RemoteStatus.FAILED:
            told = texts((status.message(_FAILED) or {}).get("exception_message"))
            return failed(f"{provider} could not generate it: {told[0].strip() if told else 'no reason given'}")
        case _:
            return no_news(status.status_str)


def _finished(provider: ProviderName, ended: Ended, status: Status, prompt_id: str) -> RemoteState:
    files = list(ended.files())
    ours = [file for file in files if str(file.get("filename")).startswith(prompt_id)]
    if ours:
        links = [view_path(file) for file in ours]
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=links, provider_seconds=status.seconds)
    if files:
        return failed(f"{provider} reported success with a file of another run")
    return finished(provider, [])
