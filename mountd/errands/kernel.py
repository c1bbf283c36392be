"""What is asked of the kernel: its table of mounts, umount2, and processes by their start."""

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

_libc = ctypes.CDLL(None, use_errno=True)


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
