"""What the embedded services have in common: a folder of data that only one process may use."""

import signal
from pathlib import Path

from stack import folder_lock
from stack.child import Child
from stack.errors import AlreadyRunning
from stack.guard import guarded


class Service(Child):
    """An embedded service: listens on 127.0.0.1, keeps its data under `folder`, survives restarts with it."""

    host = "127.0.0.1"
    # When we are killed, it still gets the chance to close its files.
    last_signal = signal.SIGTERM
    # A server that was left by a killed run is on its way out by itself: the guard saw to that.
    leave_seconds = 10.0

    def __init__(self, name: str, folder: Path, port: int) -> None:
        super().__init__(name, log=folder / "log")
        self.folder = folder
        self.port = port

    @property
    def lock(self) -> Path:
        """The file that the running server holds locked."""
        return self.folder / "lock"

    def prepare(self) -> None:
        """Makes the folder, and waits for a server that is just leaving it.

        Raises:
            AlreadyRunning: another server uses the folder and stays.
        """
        self.wait_until_left()

    def wait_until_left(self) -> None:
        """Waits for a server that is just leaving the folder; the port of that server is free afterwards.

        Raises:
            AlreadyRunning: another server uses the folder and stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not folder_lock.wait_until_free(self.lock, self.leave_seconds):
            raise AlreadyRunning(self.folder, folder_lock.holder(self.lock))

    def guarded_command(self) -> list[str]:
        """The command line with its guard, which takes the folder's lock."""
        return guarded(self.command(), last_signal=self.last_signal, lock=self.lock, user=self.user())

    def user(self) -> tuple[int, int] | None:
        """User and group id that it runs as; None is ours."""
        return None
