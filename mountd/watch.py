"""Hears of changes: of the kernel's table of mounts, and of programs that end."""

import asyncio
import contextlib
import os
import select
from collections.abc import Callable

from mountd.errands.kernel import started

#: Every container's start changes the table, several times. One look is enough for all of them.
_SETTLE_S = 0.2


class Watch:
    """Calls `tell` with the mount path of a program that has ended, or None for the table."""

    def __init__(self, tell: Callable[[str | None], None]) -> None:
        self._tell = tell
        self._table: tuple[int, select.epoll] | None = None
        #: mount path -> the program's number, start and descriptor
        self._programs: dict[str, tuple[int, int, int]] = {}
        self._settling: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch the table, on the running loop. Again does nothing."""
        if self._table is not None:
            return
        fd = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        # A change shows as an exceptional condition, which the loop can't wait for. An epoll that
        # waits for it is something that the loop can.
        poll = select.epoll()
        poll.register(fd, select.EPOLLPRI | select.EPOLLERR)
        self._table = (fd, poll)
        asyncio.get_running_loop().add_reader(poll.fileno(), self._table_changed)

    def watch_programs(self, programs: dict[str, tuple[int, int]]) -> None:
        """From now on watch these, by mount path: number and start."""
        for mount_path, (pid, start, _) in list(self._programs.items()):
            if programs.get(mount_path) != (pid, start):
                self._forget(mount_path)
        for mount_path, (pid, start) in programs.items():
            if mount_path not in self._programs:
                self._begin(mount_path, pid, start)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for mount_path in list(self._programs):
            self._forget(mount_path)
        if self._settling is not None:
            self._settling.cancel()
        if self._table is not None:
            fd, poll = self._table
            loop.remove_reader(poll.fileno())
            poll.close()
            os.close(fd)
            self._table = None

    def _begin(self, mount_path: str, pid: int, start: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            fd = os.pidfd_open(pid)
            # After opening: the number can't go to another process any more.
            if started(pid) != start:
                os.close(fd)
                return
            self._programs[mount_path] = (pid, start, fd)
            asyncio.get_running_loop().add_reader(fd, self._program_ended, mount_path)

    def _forget(self, mount_path: str) -> None:
        _, _, fd = self._programs.pop(mount_path)
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)

    def _program_ended(self, mount_path: str) -> None:
        self._forget(mount_path)
        self._tell(mount_path)

    def _table_changed(self) -> None:
        assert self._table is not None  # noqa: S101 # the reader is removed before the table
        self._table[1].poll(0)
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(_SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self._tell(None)
