"""The errors of the local stack. Every message says how to fix the problem."""

from pathlib import Path


class StackError(Exception):
    """The base class. Its text is for the user."""


class PortTaken(StackError):
    """A configured port cannot be used."""


class AlreadyRunning(StackError):
    """Another copy of the stack owns the folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        holder = f"pid {pid}" if pid else "pid unknown"
        super().__init__(
            f"Another copy is running from {folder} ({holder}): stop it first, or start this one from another folder"
        )


class PartFailed(StackError):
    """A service or an application process died, or never became ready."""

    def __init__(self, name: str, what: str, last_lines: list[str]) -> None:
        self.name = name
        shown = "\n".join(f"    {line}" for line in last_lines) or "    (it wrote nothing)"
        super().__init__(f"{name} {what}. Its last lines:\n{shown}")
