"""Takes system calls away from a decoder, with a seccomp filter. Linux alone has it.

The limit of open files already refuses every file and socket. The filter also refuses calls that need no descriptor.
"""

import ctypes
import errno
import platform
import sys

# linux/prctl.h, linux/seccomp.h, linux/bpf_common.h.
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _IS_EQUAL, _IS_AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _FAIL_WITH = 0x7FFF0000, 0x80000000, 0x00050000
# Where `seccomp_data` has the number of the call, the architecture, and the first argument.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
# x86-64 has a second table of calls, from this number on.
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_CLONE3 = 435

# AUDIT_ARCH_* of linux/audit.h, the column of `CALLS`, and the number of `clone`.
_MACHINES = {"x86_64": (0xC000003E, 0, 56), "aarch64": (0xC00000B7, 1, 220)}

# The numbers of each refused call on x86-64 and on 64-bit Arm. None: the architecture has no such call.
# fmt: off
CALLS: dict[str, tuple[int, int | None]] = {
    # Other programs and processes, and signals to them.
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    # The memory and the files of other processes.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438), "shmget": (29, 194),
    "msgget": (68, 186), "semget": (64, 190),
    # Files.
    "open": (2, None), "openat": (257, 56), "openat2": (437, 437), "creat": (85, None), "truncate": (76, 45),
    "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "link": (86, None), "linkat": (265, 37),
    "symlink": (88, None), "symlinkat": (266, 36), "mknod": (133, None), "mknodat": (259, 33), "chmod": (90, None),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None), "lchown": (94, None), "fchownat": (260, 54),
    "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6), "removexattr": (197, 14),
    # The network.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242),
    # Parts of the kernel that no decoder needs.
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "personality": (135, 92), "init_module": (175, 105),
    "finit_module": (313, 273),
}
# fmt: on


def refused_calls() -> list[int]:
    """The numbers of the refused calls on this machine. Empty where no filter is known."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return []
    column = _MACHINES[platform.machine()][1]
    return sorted(number for numbers in CALLS.values() if (number := numbers[column]) is not None)


def can_refuse() -> bool:
    """Whether the kernel takes a filter."""
    if not refused_calls():
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # No program at all: a kernel with filters complains of the address.
    libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT


def refuse_calls() -> None:
    """Refuse the calls to this process and its children from now on. Do nothing where no filter is known."""
    refused = refused_calls()
    if not refused:
        return
    architecture, _, clone = _MACHINES[platform.machine()]
    last = len(refused)
    # The second and third numbers of a step: how many steps it skips where its answer is yes, and where it is no.
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IS_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # Some decoders start threads. No filter can read the flags of `clone3`: without it, the C library uses `clone`.
        (_IS_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _FAIL_WITH | errno.ENOSYS),
        (_IS_EQUAL, 0, 2, clone),
        (_LOAD, 0, 0, _ARGUMENT),
        (_HAS, last + 1, last + 2, _CLONE_THREAD),
        (_IS_AT_LEAST, last + 1, 0, _X32),
        *((_IS_EQUAL, last - index, 0, number) for index, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _FAIL_WITH | errno.EPERM),
    ]
    program = (_Step * len(steps))(*(_Step(*step) for step in steps))
    ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(steps), program)), 0, 0)


class _Step(ctypes.Structure):
    """`struct sock_filter`."""

    _fields_ = (("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("value", ctypes.c_uint))


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))
