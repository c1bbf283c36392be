"""What a process uses of the machine. Reads: /proc/<pid>/stat."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """At one moment: seconds of processor time since the process began, and memory."""

    at: float
    cpu_s: float
    rss_mib: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        # The name stands in parentheses and may hold anything; 11 fields follow before utime.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        rss_mib = int(fields[21]) * _PAGE_BYTES / _MIB
        return cls(time.monotonic(), ticks / _TICKS_PER_S, rss_mib)

    def share_since(self, earlier: "Usage") -> float:
        """Of one core."""
        return (self.cpu_s - earlier.cpu_s) / (self.at - earlier.at)
