"""Tasks of the protocol. A task is a generation: the id of a task is the id of the generation.

The protocol of 2025-11-25 has tasks in its core, and that of 2026-07-28 as an extension. The two forms differ in the
names of fields, and in the place of the result.
"""

from enum import Enum
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.methods import serialize_server_result
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from agents import words
from agents.blocks import result_of
from agents.service import Reelworks
from agents.tools import about
from schemas.api import GenerationResource
from schemas.enums import Kind, Status

Context = ServerRequestContext[Any, Any]

EXTENSION = "io.modelcontextprotocol/tasks"
"""The name of the extension."""

CAPABILITY = types.ServerTasksCapability(
    list=types.TasksListCapability(),
    cancel=types.TasksCancelCapability(),
    requests=types.ServerTasksRequestsCapability(tools=types.TasksToolsCapability(call=types.TasksCallCapability())),
)
"""The capability of the core form."""

_CORE_VERSION = "2025-11-25"
_FOR_THE_MODEL = "io.modelcontextprotocol/model-immediate-response"
_RELATED = "io.modelcontextprotocol/related-task"

_POLL_MILLISECONDS = {Kind.IMAGE: 2_000, Kind.VIDEO: 5_000}


class Form(Enum):
    """A form of tasks. The values are the names of the fields of durations."""

    CORE = ("ttl", "pollInterval")
    """The core of 2025-11-25."""
    EXTENSION = ("ttlMs", "pollIntervalMs")
    """The extension of 2026-07-28."""

    @classmethod
    def of(cls, context: Context) -> "Form | None":
        """The form in the version of a request. None: the version has no tasks."""
        if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return cls.EXTENSION
        return cls.CORE if context.protocol_version == _CORE_VERSION else None


def are_declared(context: Context) -> bool:
    """Whether the client says in this request that it knows the extension."""
    capabilities = context.session.client_capabilities
    return capabilities is not None and EXTENSION in (capabilities.extensions or {})


def document(found: GenerationResource, form: Form, message: str) -> dict[str, Any]:
    """A task. A missing duration is null, which readers require."""
    times = found.model_dump(mode="json", include={"created_at", "updated_at"})
    lifetime, pause = form.value
    return {
        "taskId": str(found.id),
        "status": _status(found, form),
        "statusMessage": message,
        "createdAt": times["created_at"],
        "lastUpdatedAt": times["updated_at"],
        lifetime: _kept_milliseconds(found),
        pause: _POLL_MILLISECONDS[found.kind],
    }


def created(found: GenerationResource, form: Form, message: str) -> dict[str, Any]:
    """The answer to a call that has become a task."""
    task = document(found, form, message)
    if form is Form.EXTENSION:
        return {"resultType": "task", **task}
    return {"task": task, "_meta": {_FOR_THE_MODEL: message}}


async def result(reelworks: Reelworks, found: GenerationResource, version: str) -> dict[str, Any]:
    """The result of the call behind a task that has ended. An end without a file is an error of the tool."""
    made = await result_of(reelworks, about(found, words.state(found)))
    made.is_error = found.status is not Status.COMPLETED
    return serialize_server_result("tools/call", version, made.model_dump(by_alias=True, mode="json"))


def related(found: GenerationResource) -> dict[str, Any]:
    """The mark of a message that belongs to a task."""
    return {"_meta": {_RELATED: {"taskId": str(found.id)}}}


def _status(found: GenerationResource, form: Form) -> str:
    match found.status:
        case Status.QUEUED | Status.PROCESSING:
            return "working"
        case Status.FAILED if form is Form.EXTENSION:
            # There, `failed` is an error of the protocol, and this one is a result.
            return "completed"
        case ended:
            return ended.value


def _kept_milliseconds(found: GenerationResource) -> int | None:
    """The time from the order to the end of the result. None: for ever. The generation itself stays."""
    ends = [asset.expires_at for asset in found.assets if asset.expires_at is not None]
    return round((min(ends) - found.created_at).total_seconds() * 1000) if ends else None
