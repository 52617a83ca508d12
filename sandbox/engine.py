"""Runs tasks: waits for the generation time, makes the media, sends the callbacks."""

import asyncio
import time

from sandbox.callbacks import Callbacks
from sandbox.lifetime import Lifetime
from sandbox.media_store import MediaStore
from sandbox.task import Task


class Engine:
    """All accepted tasks of all vendors."""

    def __init__(self, media: MediaStore, callbacks: Callbacks, lifetime: Lifetime) -> None:
        self._media = media
        self._callbacks = callbacks
        self._lifetime = lifetime
        self._tasks: dict[str, Task] = {}
        self._task_of_file: dict[str, Task] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}

    def start(self, task: Task) -> asyncio.Task[None]:
        """Start a task. The returned asyncio task ends after the last callback."""
        self._tasks[task.id] = task
        self._task_of_file[task.file_name] = task
        if task.scenario.callback == "forged":
            self._lifetime.spawn(self._callbacks.forge(task))
        self._runs[task.id] = self._lifetime.spawn(self._run(task))
        return self._runs[task.id]

    def adopt(self, task: Task) -> None:
        """Add a task that runs forever, without result or callback. Cancelling it does nothing."""
        self._tasks[task.id] = task

    def keep(self, task: Task, *files: str) -> None:
        """Add a task that its vendor's own queue runs, and the names of its files."""
        self._tasks[task.id] = task
        self._task_of_file |= dict.fromkeys(files, task)

    def cancel(self, task: Task) -> None:
        """Cancel a task as its scenario says: at once, later, or never. A finished task stays as it is."""
        match task.scenario.cancel:
            case "normal":
                self._stop(task)
            case "slow":
                self._lifetime.spawn(self._stop_later(task))
            case "ignored":
                pass

    def finish(self, task: Task) -> None:
        """End a task now, as if its time were over. A finished task stays as it is."""
        task.may_end.set()

    def task(self, task_id: str) -> Task | None:
        """The task with this id."""
        return self._tasks.get(task_id)

    def task_of_file(self, name: str) -> Task | None:
        """The task that makes the file of this name."""
        return self._task_of_file.get(name)

    def tasks(self, prompt_contains: str) -> list[Task]:
        """The tasks whose prompt contains the text, oldest first."""
        return [task for task in self._tasks.values() if prompt_contains in task.prompt]

    def clear(self) -> None:
        """Delete all tasks."""
        self._tasks.clear()
        self._task_of_file.clear()
        self._runs.clear()

    async def _run(self, task: Task) -> None:
        progress = self._lifetime.spawn(self._tell_progress(task))
        try:
            await self._generate(task)
        finally:
            if task.source is not None:
                task.source.path.unlink(missing_ok=True)
        await self._callbacks.announce(task)
        await progress

    async def _tell_progress(self, task: Task) -> None:
        if not task.writer.tells_progress:
            return
        while (left := task.begins_at - time.time()) > 0:
            await self._lifetime.pause(left, until=task.may_end)
            if task.may_end.is_set():
                break
        if task.ended is None:
            await self._callbacks.announce(task)

    async def _stop_later(self, task: Task) -> None:
        await self._lifetime.pause(task.scenario.cancel_seconds)
        self._stop(task)

    def _stop(self, task: Task) -> None:
        if task.ended is None:
            task.cancel()
            self._runs[task.id].cancel()
            self._runs[task.id] = self._lifetime.spawn(self._callbacks.announce(task))

    async def _generate(self, task: Task) -> None:
        if task.slots is None:
            await self._work(task)
            return
        await self._lifetime.pause(task.begins_at - time.time(), until=task.may_end)
        async with task.slots.taken(task):
            task.begun_at = time.time()
            await self._work(task)

    async def _work(self, task: Task) -> None:
        scenario = task.scenario
        if scenario.outcome == "fail":
            await self._lifetime.pause(task.ends_at - time.time(), until=task.may_end)
            task.fail(scenario.fail_code, scenario.fail_msg)
            return
        spec = task.spec.changed(scenario.delivered)
        await self._media.make(task.file_name, spec, seed=task.id, source=task.source)
        await self._lifetime.pause(task.ends_at - time.time(), until=task.may_end)
        task.succeed(() if scenario.empty_result else (task.file_name,))
