"""Hides the arguments of private tasks from Flower, events and remote control.

Remote control, and so Flower's page of a worker, asks for the real arguments, even where the sender hid them with
`argsrepr` and `kwargsrepr`.
"""

from typing import Any

from celery.worker.request import Request

from schemas.enums import TaskName

# The arguments of these tasks hold a prompt.
_PRIVATE = frozenset({TaskName.ENQUEUE})

_HIDDEN = "(hidden)"


class SafeRequest(Request):
    """A request without the arguments of a private task."""

    @property
    def argsrepr(self) -> str:
        """The positional arguments in events and logs."""
        return super().argsrepr if self._may_show_arguments() else _HIDDEN

    @property
    def kwargsrepr(self) -> str:
        """The keyword arguments in events and logs."""
        return super().kwargsrepr if self._may_show_arguments() else _HIDDEN

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002 -- remote control asks for the unsafe form
        """The answer to remote control."""
        return {**super().info(safe=True), "args": self.argsrepr, "kwargs": self.kwargsrepr}

    def _may_show_arguments(self) -> bool:
        return self.name not in _PRIVATE
