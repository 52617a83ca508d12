"""The author of an operator's change, for the history of changes."""

import getpass
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.admission_control import Reason


def author_of(reason: str | None) -> "Reason":
    """The user of this command, with the reason of the change."""
    from storage.admission_control import Reason

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user without a name.
        user = f"uid {os.getuid()}"
    return Reason(f"{user}@{socket.gethostname()}", reason)
