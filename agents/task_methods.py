"""The methods of tasks: `tasks/get`, `tasks/result`, `tasks/list`, `tasks/cancel` and `tasks/update`.

The SDK has the types of tasks and serves none of their methods. We register them as our own methods.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from agents import tasks, words
from agents.refusals import guarded
from agents.service import Reelworks
from agents.tasks import Context, Form
from agents.tools import Desk, follow
from schemas.api import GenerationResource
from schemas.errors import NotCancellable, RequestError
from schemas.stages import TERMINAL

Handler = Callable[[Context, Form, Any], Awaitable[dict[str, Any]]]


class UpdateTaskParams(types.RequestParams):
    """The parameters of `tasks/update`. No task here asks for input, so responses are ignored."""

    task_id: str
    """The task."""


class TaskMethods:
    """The methods, for each customer their generations."""

    def __init__(self, reelworks_of: Callable[[Context], Reelworks], desk_of: Callable[[Context], Desk]) -> None:
        """Take the operations, and the desk that reports progress, for a request."""
        self._reelworks_of = reelworks_of
        self._desk_of = desk_of

    def install(self, server: Server[Any]) -> None:
        """Serve the methods."""
        both = frozenset(Form)
        methods: list[tuple[str, type[BaseModel], Handler, frozenset[Form]]] = [
            ("tasks/get", types.GetTaskRequestParams, self.get, both),
            ("tasks/cancel", types.CancelTaskRequestParams, self.cancel, both),
            ("tasks/result", types.GetTaskPayloadRequestParams, self.result, frozenset({Form.CORE})),
            ("tasks/list", types.PaginatedRequestParams, self.list, frozenset({Form.CORE})),
            ("tasks/update", UpdateTaskParams, self.update, frozenset({Form.EXTENSION})),
        ]
        for name, params, handler, forms in methods:
            server.add_request_handler(name, params, guarded(name, _within(name, handler, forms)))

    async def get(self, context: Context, form: Form, params: types.GetTaskRequestParams) -> dict[str, Any]:
        """The task. With the extension, the result is part of an ended one."""
        found = await self._find(context, params.task_id)
        task = tasks.document(found, form, words.state(found))
        if form is Form.EXTENSION and task["status"] == "completed":
            task["result"] = await tasks.result(self._reelworks_of(context), found, context.protocol_version)
        return task

    async def result(self, context: Context, _: Form, params: types.GetTaskPayloadRequestParams) -> dict[str, Any]:
        """The result of the call. Waits for the end."""
        found = await self._find(context, params.task_id)
        if found.stage not in TERMINAL:
            await follow(self._desk_of(context), found.id)
            found = await self._find(context, params.task_id)
        if found.stage not in TERMINAL:
            raise MCPError(types.INTERNAL_ERROR, f"the wait has ended before the task: {words.state(found)}")
        made = await tasks.result(self._reelworks_of(context), found, context.protocol_version)
        return {**made, **tasks.related(found)}

    async def list(self, context: Context, form: Form, params: types.PaginatedRequestParams) -> dict[str, Any]:
        """The customer's tasks, newest first: every generation."""
        found, following = await self._reelworks_of(context).generations(params.cursor)
        page = {"tasks": [tasks.document(one, form, words.state(one)) for one in found]}
        return {**page, "nextCursor": following} if following else page

    async def cancel(self, context: Context, form: Form, params: types.CancelTaskRequestParams) -> dict[str, Any]:
        """Cancel. The core form refuses what cannot be cancelled; the extension only takes note of the wish."""
        found = await self._find(context, params.task_id)
        if form is Form.CORE and found.stage in TERMINAL:
            raise NotCancellable(f"task {found.id} has ended: it is {found.status}")
        try:
            found = await self._reelworks_of(context).cancel(found.id)
        except RequestError as error:
            # The operations over HTTP refuse by the code alone.
            if form is Form.CORE or error.code != NotCancellable.code:
                raise
        return tasks.document(found, form, words.state(found)) if form is Form.CORE else {}

    async def update(self, context: Context, _: Form, params: UpdateTaskParams) -> dict[str, Any]:
        """Take responses to questions of a task. There are no questions: consent comes before the task."""
        await self._find(context, params.task_id)
        return {}

    async def _find(self, context: Context, task_id: str) -> GenerationResource:
        try:
            generation_id = UUID(task_id)
        except ValueError:
            raise MCPError(types.INVALID_PARAMS, "there is no such task: a task has the id of a generation") from None
        return await self._reelworks_of(context).generation(generation_id)


def _within(name: str, handler: Handler, forms: frozenset[Form]) -> Callable[[Context, Any], Awaitable[dict[str, Any]]]:
    """The handler for clients that may call the method.

    Raises:
        MCPError: the version has no such method, or the client does not declare the extension.
    """

    async def checked(context: Context, params: Any) -> dict[str, Any]:
        form = Form.of(context)
        if form is None or form not in forms:
            raise MCPError(types.METHOD_NOT_FOUND, "Method not found", name)
        if form is Form.EXTENSION and not tasks.are_declared(context):
            needed: dict[str, Any] = {"requiredCapabilities": {"extensions": {tasks.EXTENSION: {}}}}
            raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "Missing required client capability", needed)
        return await handler(context, form, params)

    return checked
