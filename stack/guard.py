"""Runs a command that must not outlive the process which started it.

`guarded(command)` is a command line that ties itself to its parent and then becomes the command (exec), so the
process has the command's own pid and no wrapper stays behind. On Linux the kernel then signals it when the parent
dies, even by SIGKILL. macOS has no such thing: there, only the orderly ends are covered.
"""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from stack import folder_lock

# Started without site-packages (-S), which takes milliseconds; so only the standard library and our own can be used.
_START = f"import sys; sys.path.append({str(Path(__file__).parents[1])!r}); from stack.guard import main; main()"

PR_SET_PDEATHSIG = 1  # prctl(2)


def guarded(
    command: Sequence[str],
    *,
    last_signal: signal.Signals = signal.SIGKILL,
    lock: Path | None = None,
    user: tuple[int, int] | None = None,
) -> list[str]:
    """The command line that runs `command` as a child of the calling process and not longer than it.

    Args:
        command: what to run.
        last_signal: what it gets when the parent dies.
        lock: a file that it holds locked for all its life; it refuses to start when another process holds it.
        user: user and group id to run as; needs root.
    """
    options = ["--parent", str(os.getpid()), "--signal", str(int(last_signal))]
    if lock is not None:
        options += ["--lock", str(lock)]
    if user is not None:
        options += ["--user", f"{user[0]}:{user[1]}"]
    return [sys.executable, "-I", "-S", "-c", _START, *options, "--", *command]


def die_with_parent(last_signal: signal.Signals) -> None:
    """Has the kernel send `last_signal` to this process when the thread that started it ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)


def main() -> None:
    """Parses the options that `guarded` wrote, and becomes the command."""
    parser = argparse.ArgumentParser(prog="stack.guard")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--lock", type=Path)
    parser.add_argument("--user", type=lambda text: tuple(map(int, text.split(":"))))
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    # Ignored signals survive an exec, and the command must hear the polite ones.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if options.lock:
        _hold(options.lock)
    if options.user:
        _become(*options.user)
    die_with_parent(signal.Signals(options.signal))  # after the change of user, which clears it
    if os.getppid() != options.parent:
        sys.exit("The parent died while this was starting")
    os.execvp(options.command[0], options.command)  # noqa: S606 -- no shell is the point


def _hold(path: Path) -> None:
    """Takes the lock for good: the open file goes through the exec and into the command's own children."""
    lock = folder_lock.take(path)
    if lock is None:
        sys.exit(f"Another copy is running from {path.parent} (pid {folder_lock.holder(path)})")
    os.set_inheritable(lock, True)


def _become(user: int, group: int) -> None:
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
