"""Tasks of the protocol, bound to generations: in the core of 2025-11-25, and as the extension of 2026-07-28.

The official client sends the methods of tasks. It takes a task as the answer to a call with the extension alone, so the
tests make the calls of the core form themselves.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID, uuid4

import httpx
import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from pydantic import ConfigDict

from schemas.enums import ErrorCode, Scope
from schemas.settings import Settings
from storage.api_keys import Owner
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.mcp_sessions import IMAGE, in_session, text_of
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation, an_order

CORE = {"mode": "legacy"}
TASKS = "io.modelcontextprotocol/tasks"


class TaskHandle(types.Result):
    """The answer to a call that has become a task of the extension."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"]
    task_id: str
    status: str
    status_message: str


class GetTask(types.Request[types.GetTaskRequestParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    name_param = "taskId"


class CancelTask(types.Request[types.CancelTaskRequestParams, Literal["tasks/cancel"]]):
    method: Literal["tasks/cancel"] = "tasks/cancel"
    name_param = "taskId"


class UpdateTaskParams(types.RequestParams):
    task_id: str
    input_responses: dict[str, Any]


class UpdateTask(types.Request[UpdateTaskParams, Literal["tasks/update"]]):
    method: Literal["tasks/update"] = "tasks/update"
    name_param = "taskId"


class Whole(types.Result):
    """A result with all its fields."""

    model_config = ConfigDict(extra="allow")


class Tasks(ClientExtension):
    """Follows each task to its end, and gives the result of the call."""

    identifier = TASKS

    def __init__(self, meanwhile: Callable[[str], object] = lambda _: None) -> None:
        """Take the work between the order and its end."""
        self._meanwhile = meanwhile
        self.seen: list[str] = []

    def claims(self) -> list[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskHandle, resolve=self._resolve)]

    async def _resolve(self, handle: TaskHandle, context: ClaimContext) -> types.CallToolResult:
        self.seen.append(handle.status_message)
        task = await sent(context.session, GetTask, handle.task_id)
        self.seen.append(task["status"])
        await asyncio.to_thread(self._meanwhile, handle.task_id)
        task = await sent(context.session, GetTask, handle.task_id)
        self.seen.append(task["status"])
        return types.CallToolResult.model_validate(task["result"])


async def sent(session: Any, method: type[Any], task_id: object) -> dict[str, Any]:
    """The answer to a method of one task."""
    params: dict[str, Any] = {"taskId": str(task_id), "inputResponses": {}}
    found: Whole = await session.send_request(method.model_validate({"params": params}), Whole)
    return found.model_dump(mode="json", by_alias=True)


Extended = Callable[..., Any]
Core = Callable[..., Any]


@pytest.fixture
def extended(gateway: httpx.Client, customer: NewCustomer) -> Extended:
    """Runs a coroutine function with a client that knows the extension."""

    def run(work: Callable[[Client], Awaitable[Any]], extension: Tasks | None = None) -> Any:
        options: dict[str, Any] = {"mode": "2026-07-28", "extensions": [extension or Tasks()]}
        return in_session(gateway, customer.headers, work, **options)

    return run


@pytest.fixture
def core(gateway: httpx.Client, customer: NewCustomer) -> Core:
    """Sends a message of 2025-11-25, and returns the result or the error."""

    def send(method: str, headers: dict[str, str] | None = None, version: str = "2025-11-25", **params: Any) -> Any:
        takes = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = gateway.post("/mcp", json=message, headers={**takes, **(headers or customer.headers)})
        events = [line for line in answer.text.splitlines() if line.startswith("data: {")]
        document = httpx.Response(200, content=events[-1].removeprefix("data: ")).json()
        return document.get("result") or document["error"]

    return send


def test_a_call_becomes_a_task_that_its_client_follows_to_the_result(
    extended: Extended, database: Database, settings: Settings, objects: ObjectStore
) -> None:
    tasks = Tasks(lambda name: complete(database, settings, objects, UUID(name), png(8, 8)))

    async def work(client: Client) -> Any:
        offered = await client.session.send_request(types.DiscoverRequest(), types.DiscoverResult)
        assert offered.capabilities.extensions == {TASKS: {}}
        return await client.call_tool("generate_image", IMAGE)

    answer = extended(work, tasks)
    assert "I've started generating an image" in tasks.seen[0]
    assert tasks.seen[1:] == ["working", "completed"]
    assert not answer.is_error
    assert "AI Generated Image" in text_of(answer)
    assert {type(block) for block in answer.content} >= {types.ResourceLink, types.ImageContent}


def test_a_failure_is_the_result_of_the_call(extended: Extended, database: Database, settings: Settings) -> None:
    tasks = Tasks(
        lambda name: fail(database, settings, UUID(name), ErrorCode.PROVIDER_REJECTED, "refused by the vendor")
    )

    async def work(client: Client) -> Any:
        return await client.call_tool("generate_image", IMAGE)

    answer = extended(work, tasks)
    assert tasks.seen[1:] == ["working", "completed"]
    assert answer.is_error
    assert "has failed" in text_of(answer)
    assert answer.structured_content["status"] == "failed"


def test_a_task_of_the_extension_can_be_cancelled_again_and_again(extended: Extended) -> None:
    async def work(client: Client) -> Any:
        handle = await client.session.call_tool("generate_image", IMAGE, allow_claimed=True)
        assert isinstance(handle, TaskHandle)
        for _ in range(2):
            assert "status" not in await sent(client.session, CancelTask, handle.task_id)
        assert "status" not in await sent(client.session, UpdateTask, handle.task_id)
        return await sent(client.session, GetTask, handle.task_id)

    task = extended(work)
    assert (task["status"], "result" in task) == ("cancelled", False)
    assert "It cost nothing" in task["statusMessage"]


def test_a_refused_order_makes_no_task(extended: Extended) -> None:
    async def work(client: Client) -> Any:
        return await client.call_tool("generate_image", {**IMAGE, "aspect_ratio": "7:5"})

    answer = extended(work)
    assert answer.is_error
    assert "aspect_ratio" in text_of(answer)


def test_a_client_without_the_extension_gets_no_task(gateway: httpx.Client, customer: NewCustomer) -> None:
    async def work(client: Client) -> None:
        made = await client.call_tool("generate_image", IMAGE)
        with pytest.raises(MCPError) as refused:
            await sent(client.session, GetTask, made.structured_content["generation_id"])
        assert refused.value.error.code == types.MISSING_REQUIRED_CLIENT_CAPABILITY
        assert refused.value.error.data == {"requiredCapabilities": {"extensions": {TASKS: {}}}}

    in_session(gateway, customer.headers, work, mode="2026-07-28")


def test_a_core_task_goes_from_the_call_to_the_result(
    core: Core,
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
) -> None:
    made = core("tools/call", name="generate_image", arguments=IMAGE, task={"ttl": 60_000})
    task = made["task"]
    assert (task["status"], task["ttl"], task["pollInterval"]) == ("working", None, 2000)
    assert made["_meta"]["io.modelcontextprotocol/model-immediate-response"] == task["statusMessage"]
    told: list[float] = []
    is_waiting = threading.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)
        is_waiting.set()

    def finish() -> None:
        assert is_waiting.wait(300)
        complete(database, settings, objects, UUID(task["taskId"]), png(8, 8))

    async def work(client: Client) -> Any:
        params = types.GetTaskPayloadRequestParams(task_id=task["taskId"])
        return await client.session.send_request(
            types.GetTaskPayloadRequest(params=params), types.CallToolResult, progress_callback=tell
        )

    worker = threading.Thread(target=finish)
    worker.start()
    answer = in_session(gateway, customer.headers, work, **CORE)
    worker.join()
    assert told[-1] == 100
    assert not answer.is_error
    assert answer.meta == {"io.modelcontextprotocol/related-task": {"taskId": task["taskId"]}}
    assert "AI Generated Image" in text_of(answer)


def test_core_tasks_are_the_generations_of_the_customer(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    a_generation(database, settings, make_customer(100))
    kept = a_generation(database, settings, customer, an_order(price=1).model_copy(update={"expires_in": 3600}))
    complete(database, settings, objects, kept, png(8, 8))
    failed = a_generation(database, settings, customer, an_order(price=1))
    fail(database, settings, failed, ErrorCode.PROVIDER_REJECTED, "refused")
    for _ in range(20):
        a_generation(database, settings, customer, an_order(price=1))

    async def work(client: Client) -> list[types.Task]:
        found: list[types.Task] = []
        cursor: str | None = None
        while True:
            request = types.ListTasksRequest(params=types.PaginatedRequestParams(cursor=cursor))
            page = await client.session.send_request(request, types.ListTasksResult)
            found += page.tasks
            if (cursor := page.next_cursor) is None:
                return found

    found = {task.task_id: task for task in in_session(gateway, customer.headers, work, **CORE)}
    assert len(found) == 22
    assert (found[str(kept)].status, found[str(failed)].status) == ("completed", "failed")
    # The result is kept for an hour from its end, and the task has that long from the order.
    assert 3_600_000 <= (found[str(kept)].ttl or 0) <= 3_900_000
    assert found[str(failed)].ttl is None


def test_a_core_task_is_cancelled_once(core: Core) -> None:
    task = core("tools/call", name="generate_image", arguments=IMAGE, task={})["task"]

    cancelled = core("tasks/cancel", taskId=task["taskId"])
    again = core("tasks/cancel", taskId=task["taskId"])
    result = core("tasks/result", taskId=task["taskId"])
    assert (cancelled["status"], again["code"]) == ("cancelled", types.INVALID_PARAMS)
    assert (result["isError"], "was cancelled" in result["content"][0]["text"]) == (True, True)


def test_a_core_call_that_orders_nothing_is_an_error(core: Core, gateway: httpx.Client, customer: NewCustomer) -> None:
    wrong = core("tools/call", name="generate_image", arguments={**IMAGE, "aspect_ratio": "7:5"}, task={})
    blank = core("tools/call", name="generate_image", arguments={}, task={})
    read = core("tools/call", name="list_models", arguments={}, task={})

    assert (wrong["code"], blank["code"]) == (types.INVALID_PARAMS, types.INVALID_PARAMS)
    assert "aspect_ratio" in wrong["message"]
    assert "prompt" in blank["message"]
    assert read["code"] == types.METHOD_NOT_FOUND
    assert gateway.get("/v1/generations", headers=customer.headers).json()["data"] == []


def test_core_tasks_are_offered_for_the_tools_that_order(core: Core) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}}
    offered = core("initialize", **hello)["capabilities"]
    assert offered["tasks"] == {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
    tools = {tool["name"]: tool.get("execution") for tool in core("tools/list")["tools"]}
    assert {name for name, how in tools.items() if how} == {"generate_image", "generate_video", "extend_video"}
    assert tools["generate_image"] == {"taskSupport": "optional"}


def test_a_version_without_tasks_ignores_them(core: Core) -> None:
    made = core("tools/call", version="2025-06-18", name="generate_image", arguments=IMAGE, task={})
    assert made["structuredContent"]["status"] == "queued"
    missing = core("tasks/get", version="2025-06-18", taskId=made["structuredContent"]["generation_id"])
    assert missing["code"] == types.METHOD_NOT_FOUND


def test_no_method_finds_the_task_of_another_tenant(
    core: Core,
    extended: Extended,
    database: Database,
    settings: Settings,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    theirs = a_generation(database, settings, make_customer(100))
    for name in (theirs, uuid4(), "7"):
        for method in ("tasks/get", "tasks/result", "tasks/cancel"):
            assert core(method, taskId=str(name))["code"] == types.INVALID_PARAMS

    async def work(client: Client) -> None:
        for name in (theirs, uuid4(), "7"):
            for method in (GetTask, CancelTask, UpdateTask):
                with pytest.raises(MCPError) as refused:
                    await sent(client.session, method, name)
                assert refused.value.error.code == types.INVALID_PARAMS

    extended(work)
    assert core("tasks/list") == {"tasks": []}


def test_a_key_that_only_reads_cancels_no_task(
    core: Core, database: Database, settings: Settings, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    mine = a_generation(database, settings, customer)
    key = {"X-API-Key": make_key(Owner(customer.id), scopes=(Scope.READ,))}

    assert core("tasks/get", headers=key, taskId=str(mine))["status"] == "working"
    refused = core("tasks/cancel", headers=key, taskId=str(mine))
    assert (refused["code"], refused["data"]) == (types.INVALID_PARAMS, {"code": "insufficient_scope"})


def test_a_wrong_cursor_is_told(core: Core) -> None:
    assert core("tasks/list", cursor="no cursor")["code"] == types.INVALID_PARAMS
