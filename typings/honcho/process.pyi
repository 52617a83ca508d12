from collections.abc import Mapping
from multiprocessing.queues import Queue
from subprocess import Popen

from honcho.printer import Message

class Process:
    cmd: str
    name: str
    _child: Popen[bytes]
    def __init__(
        self,
        cmd: str,
        name: str | None = ...,
        colour: str | None = ...,
        quiet: bool = ...,
        env: Mapping[str, str] | None = ...,
        cwd: str | None = ...,
    ) -> None: ...
    def run(self, events: Queue[Message] | None = ..., ignore_signals: bool = ...) -> None: ...
    def _send_message(self, data: object, type: str = ...) -> None: ...  # noqa: A002
