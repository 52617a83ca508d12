"""Veo's long-running operations, and the objects that they write into a bucket.

Source: `_GenerateVideosOperation_from_vertex` and the functions that it calls in `google/genai/models.py` of
https://github.com/googleapis/python-genai.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.task import JsonObject, Seal, State, Task

FILTERED = "rai"
"""The `fail_code` of a scenario whose video the safety filter removes. `fail_msg` is the reason."""

# google.rpc.Code: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
_RPC_CODES = range(1, 17)
_INTERNAL = 13


class Operations:
    """The operations of a project by name. The wire has no callbacks; only the control API sends an operation."""

    tells_progress = False

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._names: dict[str, str] = {}
        self._buckets: dict[str, str] = {}

    def add(self, task: Task, *, model_path: str, storage_uri: str | None) -> str:
        """Add a task and return the operation's name."""
        name = f"{model_path}/operations/{task.id}"
        self._tasks[name], self._names[task.id] = task, name
        if storage_uri is not None:
            self._buckets[task.id] = f"{storage_uri.rstrip('/')}/{task.id}/sample_0.mp4"
        return name

    def find(self, name: str) -> Task | None:
        """The task of an operation."""
        return self._tasks.get(name)

    def written_to(self, gcs_uri: str) -> Task | None:
        """The task whose finished video is at this URI."""
        found = (self._tasks[self._names[task_id]] for task_id, uri in self._buckets.items() if uri == gcs_uri)
        return next((task for task in found if task.results), None)

    def is_inline(self, task: Task) -> bool:
        """Whether a read returns the video itself."""
        return bool(task.results) and task.id not in self._buckets and task.scenario.state_word is None

    def body(self, task: Task) -> JsonObject:
        """The present state of the operation, without the bytes of an inline video."""
        name = self._names[task.id]
        if task.scenario.state_word is not None:
            return {"name": name, "done": task.scenario.state_word}
        match task.state:
            case State.SUCCESS:
                return {"name": name, "done": True, "response": self._response(task)}
            case State.FAIL if task.fail_code == FILTERED:
                filtered: JsonObject = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [task.fail_msg]}
                return {"name": name, "done": True, "response": filtered}
            case State.FAIL:
                error: JsonObject = {"code": _rpc_code(task.fail_code), "message": task.fail_msg}
                return {"name": name, "done": True, "error": error}
            case _:
                return {"name": name}

    def forged_body(self, task: Task) -> JsonObject:
        """A success with an object that does not exist."""
        videos: list[JsonValue] = [{"gcsUri": f"gs://forged/{task.file_name}", "mimeType": "video/mp4"}]
        return {"name": self._names[task.id], "done": True, "response": {"videos": videos}}

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers: the wire has no signatures."""
        return {}

    def _response(self, task: Task) -> JsonObject:
        if not task.results:
            return {"raiMediaFilteredCount": 0}
        where: JsonObject = {} if self.is_inline(task) else {"gcsUri": self._buckets[task.id]}
        return {"raiMediaFilteredCount": 0, "videos": [{**where, "mimeType": "video/mp4"}]}


def _rpc_code(fail_code: str | None) -> int:
    """The code of a scenario, if it is one of Google's."""
    code = int(fail_code) if fail_code is not None and fail_code.isdigit() else _INTERNAL
    return code if code in _RPC_CODES else _INTERNAL
