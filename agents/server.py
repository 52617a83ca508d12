"""The tools as an MCP server, for every transport and for the protocol versions from 2025-03-26 to 2026-07-28."""

import base64
import re
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any
from uuid import UUID

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from agents import tasks
from agents.arguments import schema_of
from agents.blocks import MOST_RESOURCE_BYTES, content_of, in_words, refusal, result_of
from agents.consent import NeedsConsent, asker
from agents.refusals import guarded
from agents.service import Reelworks, part_of_variant
from agents.task_methods import TaskMethods
from agents.tasks import Context, Form
from agents.tools import BY_NAME, TOOLS, Answer, Desk, Tool
from schemas.errors import RequestError
from schemas.text import shown
from schemas.variants import NAME_PATTERN

_URI = re.compile(
    "reelworks://generations/(?P<id>[0-9a-f-]{36})/"
    f"(?P<part>content|thumbnail|{part_of_variant(NAME_PATTERN.strip('^$'))})"
)

_PARTS = (
    ("content", "The file", ""),
    ("thumbnail", "A still picture", ""),
    (part_of_variant("{name}"), "A further file", ", such as a copy or a preview"),
)
"""The forms of the parts, their titles, and examples for their descriptions."""

_INSTRUCTIONS = (
    "Reelworks makes AI images and videos. A create tool returns the id of a generation at once; then call "
    "wait_for_generation with the id, again and again until the generation has ended. An order costs credits: "
    "`estimate` tells the price. list_models tells what each model can do."
)


def build(reelworks_of: Callable[[Context], Reelworks], *, confirm_above: int | None) -> Server[Any]:
    """The server.

    Args:
        reelworks_of: the operations for the customer of a request.
        confirm_above: the credits of one order that need no consent. None: no order needs one.
    """
    handlers = _Handlers(reelworks_of, confirm_above)
    server = _ServerWithTasks(
        "reelworks",
        version=metadata.version("reelworks"),
        title="Reelworks",
        instructions=_INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=guarded("resources/read", handlers.read_resource),
    )
    # The parameter `on_call_tool` allows no task as the answer.
    server.add_request_handler("tools/call", types.CallToolRequestParams, guarded("tools/call", handlers.call_tool))
    TaskMethods(reelworks_of, handlers.desk_of).install(server)
    server.extensions[tasks.EXTENSION] = {}
    server.middleware.append(handlers.as_task)
    return server


class _ServerWithTasks(Server[Any]):
    """A server that offers tasks of the core form, too. The SDK has the type of the capability, and never sets it."""

    def get_capabilities(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
        *,
        protocol_version: str | None = None,
    ) -> types.ServerCapabilities:
        """The capabilities, for the versions with a handshake or for a version without."""
        found = super().get_capabilities(
            notification_options, experimental_capabilities, extensions, protocol_version=protocol_version
        )
        return found if protocol_version else found.model_copy(update={"tasks": tasks.CAPABILITY})


class _Handlers:
    """The handlers of the requests."""

    def __init__(self, reelworks_of: Callable[[Context], Reelworks], confirm_above: int | None) -> None:
        self._reelworks_of = reelworks_of
        self._confirm_above = confirm_above

    def desk_of(self, context: Context, params: types.CallToolRequestParams | None = None) -> Desk:
        """The means of a request.

        Args:
            params: the call, whose user can be asked. None: the request is no call.
        """
        ask = asker(context, params) if params else None
        return Desk(self._reelworks_of(context), self._confirm_above, ask, _progress(context))

    async def list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """The tools."""
        return types.ListToolsResult(tools=_descriptions())

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> HandlerResult:
        """Run a tool. A refusal is an answer for the model, which can then do better."""
        tool = _tool(params.name)
        desk = self.desk_of(context, params)
        try:
            answer = await _run(tool, desk, params)
            is_task = tool.is_order and Form.of(context) is Form.EXTENSION and tasks.are_declared(context)
            if is_task and answer.generation:
                return tasks.created(answer.generation, Form.EXTENSION, answer.text)
            return await result_of(desk.reelworks, answer)
        except NeedsConsent as pending:
            return pending.request
        except (ValidationError, RequestError) as error:
            return refusal(error)

    async def as_task(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Answer a call that is to be a task in the core form. The SDK has no such answer, so this is middleware.

        A notification passes here, too. Such a call has no id and gets no answer, so it must order nothing.
        """
        is_wanted = ctx.method == "tools/call" and ctx.request_id is not None and "task" in (ctx.params or {})
        if not is_wanted or Form.of(ctx) is not Form.CORE:
            return await call_next(ctx)
        params = types.CallToolRequestParams.model_validate(ctx.params, by_name=False)
        return await guarded("tools/call", self._created)(ctx, params)

    async def _created(self, context: Context, params: types.CallToolRequestParams) -> HandlerResult:
        """Order, and answer with the task. A refusal makes no task, so it is an error of the protocol."""
        tool = _tool(params.name)
        if not tool.is_order:
            raise MCPError(types.METHOD_NOT_FOUND, f"{tool.name} answers at once: call it without `task`")
        try:
            answer = await _run(tool, self.desk_of(context, params), params)
        except ValidationError as error:
            raise MCPError(types.INVALID_PARAMS, in_words(error)) from None
        if answer.generation is None:
            raise MCPError(types.INVALID_PARAMS, answer.text)
        return tasks.created(answer.generation, Form.CORE, answer.text)

    async def list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """No resource: each answer of a tool links its own."""
        return types.ListResourcesResult(resources=[])

    async def list_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The forms of the resources."""
        templates = [
            types.ResourceTemplate(
                name=part.partition("/")[0],
                title=title,
                uri_template=f"reelworks://generations/{{generation_id}}/{part}",
                description=f"{title} of a completed generation{examples}, up to {MOST_RESOURCE_BYTES} bytes",
            )
            for part, title, examples in _PARTS
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """The bytes of a stored file."""
        named = _URI.fullmatch(params.uri)
        if named is None:
            raise MCPError(types.INVALID_PARAMS, "there is no such resource: answers of the tools link resources")
        try:
            generation_id = UUID(named["id"])
        except ValueError:
            raise MCPError(types.INVALID_PARAMS, "the id of the generation is no UUID") from None
        content_type, content = await content_of(self._reelworks_of(context), generation_id, named["part"])
        blob = base64.b64encode(content).decode()
        return types.ReadResourceResult(
            contents=[types.BlobResourceContents(uri=params.uri, mime_type=content_type, blob=blob)]
        )


def _tool(name: str) -> Tool:
    tool = BY_NAME.get(name)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, f"there is no tool {shown(name)!r}: tools/list names them")
    return tool


async def _run(tool: Tool, desk: Desk, params: types.CallToolRequestParams) -> Answer:
    return await tool.run(desk, tool.arguments.model_validate(params.arguments or {}))


@cache
def _descriptions() -> list[types.Tool]:
    return [_described(tool) for tool in TOOLS]


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=schema_of(tool.arguments),
        output_schema=tool.result.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.is_read, destructive_hint=tool.is_destructive, open_world_hint=not tool.is_read
        ),
        execution=types.ToolExecution(task_support="optional") if tool.is_order else None,
    )


def _progress(context: Context) -> Callable[[float, str], Any]:
    async def tell(percent: float, stage: str) -> None:
        await context.session.report_progress(percent, 100, stage)

    return tell
