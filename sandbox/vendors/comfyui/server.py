"""The prompt server: runs one prompt at a time, keeps a history, and never runs an equal node twice.

It behaves as a recorded server does: `docs/engines.md` lists the facts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sandbox.lifetime import Lifetime
from sandbox.task import JsonObject, Task
from sandbox.vendors.comfyui.events import Sockets, node_state, now_ms
from sandbox.vendors.comfyui.files import OutputFolder, Saved
from sandbox.vendors.comfyui.graphs import Graph

_CANCELLED = "execution_interrupted"
_LEAST_STEP_SECONDS = 0.001


@dataclass(kw_only=True, eq=False)
class Prompt:
    """A queued, running or finished prompt. Its id is the client's, and need not be unique."""

    number: int
    """The place in the queue: prompts of smaller numbers run first."""
    id: str
    """`prompt_id`."""
    client_id: str | None
    """The client that hears of the prompt."""
    graph: Graph
    """The graph."""
    raw: JsonObject
    """The graph as it came."""
    task: Task
    """What the control API shows of the prompt."""
    messages: list[list[object]] = field(default_factory=list)
    """The messages that the history keeps, each with its data."""
    nodes: dict[str, JsonObject] = field(default_factory=dict)
    """The last state of each node, as `progress_state` tells."""
    interrupted_at: float | None = None
    """When an interrupt named this prompt while it ran, monotonic seconds."""

    @property
    def must_stop(self) -> bool:
        """Whether an interrupt takes effect now."""
        scenario = self.task.scenario
        if self.interrupted_at is None or scenario.cancel == "ignored":
            return False
        return scenario.cancel != "slow" or time.monotonic() >= self.interrupted_at + scenario.cancel_seconds

    def record(self) -> list[object]:
        """The prompt as `/queue` and `/history` show it."""
        extra = {} if self.client_id is None else {"client_id": self.client_id}
        return [self.number, self.id, self.raw, extra, self.graph.outputs]


class _Interrupted(Exception):
    """The prompt stops between two steps."""


class _NodeFailed(Exception):
    """A node raised an exception."""

    def __init__(self, node: str, message: str) -> None:
        super().__init__(node, message)
        self.node = node
        self.message = message


Make = Callable[[Prompt, str, str], Awaitable[None]]
"""Makes the file of a prompt's output node under a name of the media store."""


class PromptServer:
    """Queue, history, cache, uploads and sockets of one server process, and its folders, which outlive the process."""

    def __init__(self) -> None:
        self.folder = OutputFolder()
        self.uploads: dict[str, bytes] = {}
        self.sockets = Sockets()
        self._begin_process()

    def _begin_process(self) -> None:
        self._number = 0
        self.running: Prompt | None = None
        self.pending: list[Prompt] = []
        self.history: dict[str, JsonObject] = {}
        self._cache: dict[str, list[Saved]] = {}
        self._work: asyncio.Task[None] | None = None

    async def restart(self) -> None:
        """End the process and begin another: the queue, the history and the cache are empty."""
        work, lost = self._work, [*self.pending, *([] if self.running is None else [self.running])]
        self.sockets.end()
        self._begin_process()
        for prompt in lost:
            prompt.task.cancel()
        if work is not None:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    @property
    def remaining(self) -> int:
        """The prompts that wait or run."""
        return len(self.pending) + (self.running is not None)

    def next_number(self) -> int:
        """The number of the next prompt. It begins at 0 in each process."""
        self._number += 1
        return self._number - 1

    def add(self, prompt: Prompt, make: Make, lifetime: Lifetime) -> None:
        """Queue a prompt. An id that is known is queued again."""
        self.pending.append(prompt)
        self._tell_status()
        if prompt.task.scenario.state_word is not None:
            self.pending.remove(prompt)
            self._remember(prompt, {}, prompt.task.scenario.state_word, is_complete=False)
        elif self._work is None:
            self._work = lifetime.spawn(self._run_all(make))

    def delete(self, ids: list[str]) -> None:
        """Delete prompts that wait. The running prompt and unknown ids stay as they are."""
        for prompt in [each for each in self.pending if each.id in ids]:
            self.pending.remove(prompt)
            prompt.task.cancel()
            self._tell_status()
            self._tell_status()

    def interrupt(self, prompt_id: str | None) -> None:
        """Stop the running prompt if it has this id. Without an id: whatever prompt runs."""
        running = self.running
        if running is not None and prompt_id in {None, running.id}:
            running.interrupted_at = running.interrupted_at or time.monotonic()

    async def _run_all(self, make: Make) -> None:
        while self.pending:
            prompt = min(self.pending, key=lambda each: each.number)
            self.pending.remove(prompt)
            self.running = prompt
            self._tell_status()
            await self._run(prompt, make)
            self.running = None
            self._tell_status()
            self.sockets.tell(prompt.client_id, "executing", {"node": None, "prompt_id": prompt.id})
        self._work = None

    async def _run(self, prompt: Prompt, make: Make) -> None:
        prompt.task.begun_at = time.time()
        self._note(prompt, "execution_start", {})
        cached = [node for node in prompt.graph.order if prompt.graph.signature(node) in self._cache]
        self._note(prompt, "execution_cached", {"nodes": [*cached]})
        outputs: JsonObject = {}
        try:
            for node in prompt.graph.order:
                saved = await self._cached(prompt, node) if node in cached else await self._execute(prompt, node, make)
                if prompt.graph.kind(node).saves and saved:
                    outputs[node] = self._shown(prompt, node, saved)
        except _Interrupted:
            prompt.task.cancel()
            self._end_without_result(prompt, _CANCELLED, self._current(prompt), {})
        except _NodeFailed as failure:
            prompt.task.fail(prompt.task.scenario.fail_code, failure.message)
            self._end_without_result(prompt, "execution_error", failure.node, _exception(prompt, failure))
        else:
            self._note(prompt, "execution_success", {})
            self._remember(prompt, outputs, "success", is_complete=True)
            prompt.task.succeed(tuple(dict.fromkeys(each.stored for each in self.folder.of(outputs))))

    async def _cached(self, prompt: Prompt, node: str) -> list[Saved]:
        saved = self._cache[prompt.graph.signature(node)]
        if prompt.graph.kind(node).saves:
            self._tell_executed(prompt, node, saved)
            prompt.nodes[node] = node_state(prompt.id, node, 1, 1, "finished")
            self._tell_progress(prompt)
        return saved

    async def _execute(self, prompt: Prompt, node: str, make: Make) -> list[Saved]:
        self._show(prompt, node, 0.0, 1.0, "running")
        told = {"node": node, "display_node": node, "prompt_id": prompt.id}
        self.sockets.tell(prompt.client_id, "executing", told)
        steps = prompt.graph.steps(node)
        is_long = "steps" in prompt.graph.inputs(node)
        if is_long:
            await self._count(prompt, node, steps)
        saved = await self._save(prompt, node, make)
        if prompt.graph.kind(node).saves and saved:
            self._tell_executed(prompt, node, saved)
        value = float(steps) if not is_long else steps
        self._show(prompt, node, value, value, "finished")
        self._cache[prompt.graph.signature(node)] = saved
        return saved

    async def _count(self, prompt: Prompt, node: str, steps: int) -> None:
        """The steps of a node. An interrupt is heeded between two steps."""
        task, inputs = prompt.task, prompt.graph.inputs(node)
        each = max(_seconds(prompt, node) / steps, _LEAST_STEP_SECONDS)
        for step in range(1, steps + 1):
            await _sleep(each, until=task.may_end, is_stopped=lambda: prompt.must_stop)
            if prompt.must_stop:
                raise _Interrupted
            self._show(prompt, node, step, steps, "running")
            counted: JsonObject = {"value": step, "max": steps, "prompt_id": prompt.id, "node": node}
            self.sockets.tell(prompt.client_id, "progress", counted)
        if inputs.get("fail") is True:
            raise _NodeFailed(node, "rw: no\n")
        if task.scenario.outcome == "fail":
            raise _NodeFailed(node, task.scenario.fail_msg)

    async def _save(self, prompt: Prompt, node: str, make: Make) -> list[Saved]:
        kind = prompt.graph.kind(node)
        if kind.saves is None or prompt.task.scenario.empty_result:
            return []
        saved = self.folder.name(str(prompt.graph.inputs(node).get("filename_prefix")), kind.saves, prompt.task)
        await make(prompt, node, saved.stored)
        return [saved]

    def _shown(self, prompt: Prompt, node: str, saved: list[Saved]) -> JsonObject:
        shown: JsonObject = {"images": [each.shown() for each in saved]}
        return {**shown, "animated": [True]} if prompt.graph.kind(node).saves == "mp4" else shown

    def _current(self, prompt: Prompt) -> str:
        return next((node for node, state in prompt.nodes.items() if state["state"] == "running"), "")

    def _end_without_result(self, prompt: Prompt, kind: str, node: str, more: JsonObject) -> None:
        data: JsonObject = {"node_id": node, "node_type": prompt.graph.class_of(node), "executed": [], **more}
        self._note(prompt, kind, data)
        self._remember(prompt, {}, "error", is_complete=False)

    def _remember(self, prompt: Prompt, outputs: JsonObject, word: str, *, is_complete: bool) -> None:
        meta = {
            node: {"node_id": node, "display_node": node, "parent_node": None, "real_node_id": node}
            for node in outputs
        }  # fmt: skip
        entry: JsonObject = {
            "prompt": prompt.record(),  # type: ignore[dict-item]  # JSON inside
            "outputs": outputs,
            "status": {"status_str": word, "completed": is_complete, "messages": prompt.messages},  # type: ignore[dict-item]
            "meta": meta,  # type: ignore[dict-item]
        }
        self.history[prompt.id] = entry

    def _note(self, prompt: Prompt, kind: str, data: JsonObject) -> None:
        told: JsonObject = {**data, "prompt_id": prompt.id, "timestamp": now_ms()}
        prompt.messages.append([kind, told])
        self.sockets.tell(prompt.client_id, kind, told)

    def _show(self, prompt: Prompt, node: str, value: float, most: float, state: str) -> None:
        prompt.nodes[node] = node_state(prompt.id, node, value, most, state)
        self._tell_progress(prompt)

    def _tell_progress(self, prompt: Prompt) -> None:
        nodes: JsonObject = dict(prompt.nodes)
        self.sockets.tell(prompt.client_id, "progress_state", {"prompt_id": prompt.id, "nodes": nodes})

    def _tell_executed(self, prompt: Prompt, node: str, saved: list[Saved]) -> None:
        output = self._shown(prompt, node, saved)
        told: JsonObject = {"node": node, "display_node": node, "output": output, "prompt_id": prompt.id}
        self.sockets.tell(prompt.client_id, "executed", told)

    def _tell_status(self) -> None:
        self.sockets.broadcast("status", {"status": {"exec_info": {"queue_remaining": self.remaining}}})


def _exception(prompt: Prompt, failure: _NodeFailed) -> JsonObject:
    """What the server tells of an exception. The class of the exception is the scenario's code if that is a name."""
    given = prompt.graph.inputs(failure.node).items()
    inputs = {name: ["tensor([…])" if isinstance(value, list) else value] for name, value in given}
    code = prompt.task.scenario.fail_code
    return {
        "exception_message": failure.message,
        "exception_type": "RuntimeError" if code.isdigit() else code,
        "current_inputs": inputs,  # type: ignore[dict-item]  # lists of JSON values
        "current_outputs": list(prompt.graph.nodes),
    }


def _seconds(prompt: Prompt, node: str) -> float:
    """The time of a node's steps: its own, or the task's."""
    inputs = prompt.graph.inputs(node)
    own, steps = inputs.get("seconds"), prompt.graph.steps(node)
    return own * steps if isinstance(own, int | float) else prompt.task.seconds


async def _sleep(seconds: float, *, until: asyncio.Event, is_stopped: Callable[[], bool]) -> None:
    """Wait for a step. A long step is left early when the prompt may end or was interrupted."""
    ends_at = time.monotonic() + seconds
    while not until.is_set() and not is_stopped():
        left = ends_at - time.monotonic()
        if left <= 0:
            return
        await asyncio.sleep(min(left, 0.02))
