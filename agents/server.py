"""The tools as an MCP server, for every transport and for the protocol versions from 2025-03-26 to 2026-07-28."""

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from typing import Any
from uuid import UUID

import mcp_types as types
import structlog
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from agents.arguments import schema_of
from agents.consent import NeedsConsent, asker
from agents.results import resource_uri
from agents.service import ROLES, Reelworks
from agents.tools import BY_NAME, TOOLS, Answer, Desk, Tool
from schemas.api import AssetResource, GenerationResource
from schemas.errors import InvalidRequest, RequestError

log = structlog.get_logger()

Context = ServerRequestContext[Any, Any]

MOST_RESOURCE_BYTES = 8 * 1024 * 1024
"""The largest file that `resources/read` sends. Base64 adds a third, and the client has all of it in memory."""

MOST_INLINE_BYTES = 768 * 1024
"""The largest picture inside an answer. Clients refuse answers above about a megabyte."""

_URI = re.compile(r"reelworks://generations/(?P<id>[0-9a-f-]{36})/(?P<part>content|thumbnail)")

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
    return Server(
        "reelworks",
        version=metadata.version("reelworks"),
        title="Reelworks",
        instructions=_INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
    )


class _Handlers:
    """The handlers of the requests."""

    def __init__(self, reelworks_of: Callable[[Context], Reelworks], confirm_above: int | None) -> None:
        self._reelworks_of = reelworks_of
        self._confirm_above = confirm_above

    async def list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """The tools."""
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def call_tool(
        self, context: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run a tool. A refusal is an answer for the model, which can then do better."""
        tool = BY_NAME.get(params.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name[:80]!r}: tools/list names them")
        reelworks = self._reelworks_of(context)
        desk = Desk(reelworks, self._confirm_above, asker(context, params), _progress(context))
        try:
            answer = await tool.run(desk, tool.arguments.model_validate(params.arguments or {}))
            return await _result(reelworks, answer)
        except NeedsConsent as pending:
            return pending.request
        except ValidationError as error:
            return _refusal(_of_fields(error))
        except RequestError as error:
            return _refusal(error)
        except Exception as error:  # noqa: BLE001 -- the edge: no text of an unforeseen error may reach a client
            log.error("tool_failed", tool=tool.name, error=type(error).__name__)
            raise MCPError(types.INTERNAL_ERROR, "something went wrong on our side: call the tool again") from None

    async def list_resources(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        """No resource: each answer of a tool links its own."""
        return types.ListResourcesResult(resources=[])

    async def list_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The forms of the resources."""
        templates = [
            types.ResourceTemplate(
                name=part,
                title=title,
                uri_template=f"reelworks://generations/{{generation_id}}/{part}",
                description=f"{title} of a completed generation, up to {MOST_RESOURCE_BYTES} bytes",
            )
            for part, title in (("content", "The file"), ("thumbnail", "A still picture"))
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """The bytes of a stored file."""
        named = _URI.fullmatch(params.uri)
        if named is None:
            raise MCPError(types.INVALID_PARAMS, "there is no such resource: answers of the tools link resources")
        reelworks = self._reelworks_of(context)
        try:
            content_type, content = await _content(reelworks, UUID(named["id"]), named["part"])
        except ValueError:
            raise MCPError(types.INVALID_PARAMS, "the id of the generation is no UUID") from None
        except RequestError as error:
            raise MCPError(types.INVALID_PARAMS, error.detail, {"code": error.code}) from None
        blob = base64.b64encode(content).decode()
        return types.ReadResourceResult(
            contents=[types.BlobResourceContents(uri=params.uri, mime_type=content_type, blob=blob)]
        )


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
    )


def _progress(context: Context) -> Callable[[float, str], Any]:
    async def tell(percent: float, stage: str) -> None:
        await context.session.report_progress(percent, 100, stage)

    return tell


def _asset(found: GenerationResource, part: str) -> AssetResource:
    """A kept file of a generation.

    Raises:
        InvalidRequest: there is no such file, or not yet, or no more.
    """
    if (found.links.content if part == "content" else found.links.thumbnail) is None:
        raise InvalidRequest(f"generation {found.id} is {found.status}, and has no {part} to read")
    return next(asset for asset in found.assets if asset.role is ROLES[part])


async def _content(reelworks: Reelworks, generation_id: UUID, part: str) -> tuple[str, bytes]:
    """The media type and the bytes of a stored file.

    Raises:
        InvalidRequest: there is no such file, or the file is larger than a resource may be.
    """
    asset = _asset(await reelworks.generation(generation_id), part)
    if asset.size_bytes > MOST_RESOURCE_BYTES:
        raise InvalidRequest(
            f"the file has {asset.size_bytes} bytes, and a resource has {MOST_RESOURCE_BYTES} at most: "
            f"GET /v1/generations/{generation_id}/{part} with the API key sends it"
        )
    return asset.content_type, await reelworks.file(generation_id, part)


async def _result(reelworks: Reelworks, answer: Answer) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(text=answer.text)]
    if answer.generation is not None:
        content += await _files(reelworks, answer.generation)
    data = None if answer.data is None else answer.data.model_dump(mode="json")
    return types.CallToolResult(content=content, structured_content=data, is_error=answer.data is None)


async def _files(reelworks: Reelworks, found: GenerationResource) -> list[types.ContentBlock]:
    """The links to the stored files, and a small picture of the result."""
    linked = [part for part, link in (("content", found.links.content), ("thumbnail", found.links.thumbnail)) if link]
    blocks: list[types.ContentBlock] = [
        types.ResourceLink(
            name=f"{found.kind} {found.id}" if part == "content" else f"thumbnail {found.id}",
            uri=resource_uri(found.id, part),
            mime_type=_asset(found, part).content_type,
            size=_asset(found, part).size_bytes,
        )
        for part in linked
    ]
    for part in reversed(linked):
        asset = _asset(found, part)
        if asset.content_type.startswith("image/") and asset.size_bytes <= MOST_INLINE_BYTES:
            # The link stays where the picture cannot be read now.
            with suppress(RequestError):
                data = base64.b64encode(await reelworks.file(found.id, part)).decode()
                blocks.append(types.ImageContent(data=data, mime_type=asset.content_type))
            break
    return blocks


def _of_fields(error: ValidationError) -> RequestError:
    problems = [
        (".".join(map(str, each["loc"])) or "arguments", each["msg"].removeprefix("Value error, "))
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return InvalidRequest.of_fields(problems)


def _refusal(error: RequestError) -> types.CallToolResult:
    text = f"{error.title} ({error.code}): {error.detail}"
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
