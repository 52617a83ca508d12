"""The answer of a create: links to the pictures."""

from collections.abc import Mapping

from pydantic import JsonValue

from sandbox.config import file_url
from sandbox.task import JsonObject, Seal, Task


class OpenAIImagesRecords:
    """Writes the answer of a create. The wire has no callbacks."""

    tells_progress = False

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def body(self, task: Task) -> JsonObject:
        """The pictures of a finished task; `created` is in Unix seconds."""
        data: list[JsonValue] = [{"url": file_url(self._public_url, name)} for name in task.results]
        return {"created": int(task.completed_at or task.created_at), "data": data}

    def forged_body(self, task: Task) -> JsonObject:
        """The same as `body`."""
        return self.body(task)

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers: the wire has no signatures."""
        return {}
