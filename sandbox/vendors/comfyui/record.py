"""The callbacks of a server that calls nobody back."""

from collections.abc import Mapping

from sandbox.task import JsonObject, Seal, Task


class NoCallbacks:
    """Writes nothing: only the control API sends a body, and then the test's own."""

    tells_progress = False

    def body(self, task: Task) -> JsonObject:
        """The id of the prompt."""
        return {"prompt_id": task.id}

    def forged_body(self, task: Task) -> JsonObject:
        """The same: there is no claim to forge."""
        return self.body(task)

    def headers(self, task: Task, content: bytes, seal: Seal) -> Mapping[str, str]:  # noqa: ARG002 -- unsigned
        """No headers."""
        return {}
