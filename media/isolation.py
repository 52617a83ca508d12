"""What a decoder may not do: see secrets, reach a network, files or other processes, or take more memory and time."""

import ctypes
import math
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from media.syscalls import refuse_calls

# linux/sched.h, linux/prctl.h, linux/capability.h. `os.unshare` begins with Python 3.12.
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522

_KILL_ME_FIRST = "1000"

SLACK_BYTES = 64 * 1024**2
"""The space for stacks, tables and fragments, beside the memory for pictures."""

CONNECTION = 3
"""The one file descriptor that a job has, beside the standard streams."""
OUTPUT = 4
"""The file descriptor of a variant's file, in a job that makes one."""

_POLITENESS = 10


def leave_network() -> None:
    """Leave the network, and give up all privileges, where the kernel allows. Call it before any thread starts."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    # A new network has no interface that is up. Some kernels refuse: then the limit of open files refuses sockets.
    libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)())
    with suppress(OSError):
        # Where memory is short, the kernel ends a decoder before its worker.
        Path("/proc/self/oom_score_adj").write_text(_KILL_ME_FIRST)


def limit_time(seconds: int) -> None:
    """Limit the processor time from now on. The process is killed at the limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(
        resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + seconds, resource.RLIM_INFINITY)
    )


def confine(memory_bytes: int, output_bytes: int = 0) -> None:
    """Limit this process to `CONNECTION`, to harmless system calls, and to some memory beyond the present.

    Args:
        output_bytes: the most bytes of the file `OUTPUT`. 0: there is no such file.
    """
    if sys.platform == "linux":
        # A job ends with its server.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with suppress(OSError, ValueError):  # macOS has neither the file nor the limit
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_bytes + SLACK_BYTES)
    last = OUTPUT if output_bytes else CONNECTION
    _close_others(last)
    if output_bytes:
        # A variant can wait. The results of other customers cannot.
        os.nice(_POLITENESS)
    # No open file, socket or pipe can be added.
    _limit(resource.RLIMIT_NOFILE, last + 1)
    _limit(resource.RLIMIT_FSIZE, output_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    refuse_calls()


def _close_others(last: int) -> None:
    """Close the server's socket and the connections of other jobs."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(CONNECTION):
        os.dup2(nothing, standard)
    for descriptor in [int(entry.name) for entry in Path("/dev/fd").iterdir()]:
        if descriptor > last:
            with suppress(OSError):
                os.close(descriptor)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))
