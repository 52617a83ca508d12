"""Runs a command that must not outlive its parent process.

`guarded(command)` is a command line that ties the process to its parent and then becomes the command (exec). The
process keeps its pid, and no wrapper remains. On Linux, the kernel signals the process when the parent dies, even by
SIGKILL. macOS has no such feature: there, a killed parent may leave the process behind.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stack import folder_lock

# Python starts without site-packages (-S) within milliseconds. The guard imports only the standard library and `stack`.
_START = f"import sys; sys.path.append({str(Path(__file__).parents[1])!r}); from stack.guard import main; main()"

PR_SET_PDEATHSIG = 1  # prctl(2)


def guarded(
    command: Sequence[str],
    *,
    last_signal: signal.Signals = signal.SIGKILL,
    lock: Path | None = None,
    user: tuple[int, int] | None = None,
) -> list[str]:
    """The command line that runs `command` as a child that ends with the calling process.

    Args:
        command: the command.
        last_signal: the signal to the child when the parent dies.
        lock: a file that the child locks until its end. The child refuses to start if another process has the lock.
        user: the user id and group id of the child. Needs root.
    """
    options = ["--parent", str(os.getpid()), "--signal", str(int(last_signal))]
    if lock is not None:
        options += ["--lock", str(lock)]
    if user is not None:
        options += ["--user", f"{user[0]}:{user[1]}"]
    return [sys.executable, "-I", "-S", "-c", _START, *options, "--", *command]


def die_with_parent(last_signal: signal.Signals) -> None:
    """Make the kernel send `last_signal` to this process when the thread that started the process ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)


def main() -> None:
    """Parse the options of `guarded`, and become the command."""
    parser = argparse.ArgumentParser(prog="stack.guard")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--lock", type=Path)
    parser.add_argument("--user", type=lambda text: tuple(map(int, text.split(":"))))
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    # Ignored signals survive an exec. The command must receive these signals.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if options.lock:
        _hold(options.lock)
    if options.user:
        _become(*options.user)
    die_with_parent(signal.Signals(options.signal))  # after the change of user, which clears the setting
    if os.getppid() != options.parent:
        sys.exit("The parent died while this was starting")
    os.execvp(options.command[0], options.command)  # noqa: S606 -- no shell is the point


def _hold(path: Path) -> None:
    """Take the lock until the end: the command and its children inherit the open file."""
    lock = folder_lock.take(path)
    if lock is None:
        sys.exit(f"Another copy is running from {path.parent} (pid {folder_lock.holder(path)})")
    os.set_inheritable(lock, True)


def _become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
