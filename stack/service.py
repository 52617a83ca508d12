"""The base class of the embedded services. Only one process may use the data folder of a service."""

import signal
from pathlib import Path

from stack import folder_lock
from stack.child import Child
from stack.errors import AlreadyRunning
from stack.guard import guarded


class Service(Child):
    """An embedded service. It listens on 127.0.0.1, and its data in `folder` survives a restart."""

    host = "127.0.0.1"
    # If the parent is killed, the service can still close its files.
    last_signal = signal.SIGTERM
    # The server of a killed run ends by itself: its guard signals the server.
    leave_seconds = 10.0

    def __init__(self, name: str, folder: Path, port: int) -> None:
        super().__init__(name, log=folder / "log")
        self.folder = folder
        self.port = port

    @property
    def lock(self) -> Path:
        """The file that the running server locks."""
        return self.folder / "lock"

    def prepare(self) -> None:
        """Create the folder, and wait for the server of a killed run to end.

        Raises:
            AlreadyRunning: another server uses the folder and stays.
        """
        self.wait_until_left()

    def wait_until_left(self) -> None:
        """Wait for the server of a killed run to end. The port of that server is free afterwards.

        Raises:
            AlreadyRunning: another server uses the folder and stays.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not folder_lock.wait_until_free(self.lock, self.leave_seconds):
            raise AlreadyRunning(self.folder, folder_lock.holder(self.lock))

    def guarded_command(self) -> list[str]:
        """The command line with the guard. The guard takes the lock of the folder."""
        return guarded(self.command(), last_signal=self.last_signal, lock=self.lock, user=self.user())

    def user(self) -> tuple[int, int] | None:
        """The user id and group id of the server. None means the current user."""
        return None
