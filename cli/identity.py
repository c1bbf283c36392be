"""Which process is meant: a pid alone may belong to somebody else by the time it is used.

Reads: /proc. Knows nothing about what the processes do.
"""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
#: Positions in /proc/PID/stat counted after the name, which may itself contain blanks.
_STATE, _PARENT, _START_TICKS = 0, 1, 19


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def _is_last_thread(pid: int) -> bool:
    """Whether no other thread is on its way out: while one is, sockets and locks are still held."""
    try:
        return len(os.listdir(PROC / str(pid) / "task")) <= 1  # noqa: PTH208 - names are enough
    except (FileNotFoundError, ProcessLookupError):
        return True


def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process for ever: its pid, when it started, and in which boot of the machine."""

    pid: int
    start_ticks: int
    boot_id: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        stat = _stat(pid)
        return None if stat is None else cls(pid, int(stat[_START_TICKS]), _boot_id())

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        stat = _stat(self.pid)
        return (
            stat is not None
            and not (stat[_STATE] in {"Z", "X"} and _is_last_thread(self.pid))
            and int(stat[_START_TICKS]) == self.start_ticks
            and _boot_id() == self.boot_id
        )

    def send(self, number: signal.Signals) -> bool:
        """Signal exactly this process; False if it is gone.

        The pidfd is opened before the check, so that the pid can't be recycled in between.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.is_alive:
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def descendants(self) -> list["ProcessIdentity"]:
        """Everything it started that still has an unbroken line of parents to it."""
        children: dict[int, list[int]] = {}
        for pid in all_pids():
            stat = _stat(pid)
            if stat is not None:
                children.setdefault(int(stat[_PARENT]), []).append(pid)
        found: list[ProcessIdentity] = []
        waiting = list(children.get(self.pid, []))
        while waiting:
            pid = waiting.pop()
            identity = ProcessIdentity.of(pid)
            if identity is not None:
                found.append(identity)
            waiting.extend(children.get(pid, []))
        return found


def all_pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
