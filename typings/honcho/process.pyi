from collections.abc import Mapping
from typing import Protocol

class _Events(Protocol):
    def put(self, obj: object) -> None: ...

class Process:
    cmd: str
    name: str
    def __init__(
        self,
        cmd: str,
        name: str | None = ...,
        colour: str | None = ...,
        quiet: bool = ...,
        env: Mapping[str, str] | None = ...,
        cwd: str | None = ...,
    ) -> None: ...
    def run(self, events: _Events | None = ..., ignore_signals: bool = ...) -> None: ...
