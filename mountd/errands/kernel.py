"""What is asked of the kernel: its table of mounts, paths without links, processes by their start."""

import ctypes
import errno
import os
import signal
import time
from pathlib import Path

from mountd.domain.mountinfo import parse

#: give up what is waiting for an answer
MNT_FORCE = 1
#: take it out of the tree now, and let it go when its last user does
MNT_DETACH = 2
UMOUNT_NOFOLLOW = 8
_MS_BIND = 4096
#: the same number on every machine
_SYS_OPENAT2 = 437
_RESOLVE_NO_XDEV = 1
_RESOLVE_NO_MAGICLINKS = 2
_RESOLVE_NO_SYMLINKS = 4
_RESOLVE_BENEATH = 8

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_below(directory_fd: int, path: str) -> int:
    """Open what a path leads to from a directory, as O_PATH; whoever opened it closes it.

    Raises:
        OSError: ELOOP for a symbolic link on the way or at its end, EXDEV if it leads out of the
            directory or onto another mount.
    """
    name = os.fsencode(path)
    if b"\0" in name:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    how = _OpenHow(
        flags=os.O_PATH | os.O_CLOEXEC,
        mode=0,
        resolve=_RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_XDEV,
    )
    opened: int = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(directory_fd),
        ctypes.c_char_p(name),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if opened < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return opened


def bind(opened_fd: int, place: str) -> None:
    """Make an open file or directory appear at a place, with the flags of its mount."""
    # By descriptor: it is what was opened, whatever has its name now.
    source = f"/proc/self/fd/{opened_fd}".encode()
    if _libc.mount(source, os.fsencode(place), None, ctypes.c_ulong(_MS_BIND), None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), place)


def is_mounted(path: str) -> bool:
    """By the table: asking the path itself could hang."""
    text = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    return any(entry.mountpoint == path for entry in parse(text))


def umount(path: str, flags: int) -> int:
    """Take the topmost mount at a path away; 0, or the error's number."""
    if _libc.umount2(os.fsencode(path), flags | UMOUNT_NOFOLLOW) == 0:
        return 0
    return ctypes.get_errno()


def detach(path: str) -> None:
    """Take away all that is mounted at a path, whoever uses it."""
    while is_mounted(path):
        number = umount(path, MNT_DETACH)
        if number not in (0, errno.EINVAL):
            raise OSError(number, os.strerror(number), path)


def started(pid: int) -> int:
    """When a process was started, in the kernel's ticks; 0 if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The name, in brackets, may contain anything; the state follows it.
    fields = text.rpartition(")")[2].split()
    return 0 if fields[0] in "ZX" else int(fields[19])


def end_process(pid: int, start: int, *, patience_s: float) -> None:
    """Make a process end: by itself first, then by TERM, then by KILL. Never another one."""
    for number in (0, signal.SIGTERM, signal.SIGKILL):
        if pid <= 0 or started(pid) != start:
            return
        if number:
            _signal(pid, number)
        until = time.monotonic() + patience_s
        while started(pid) == start and time.monotonic() < until:
            time.sleep(0.02)  # noqa: TID251 # an errand has nothing else to do


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        # It has ended by itself in this moment, which is what we want.
        return
