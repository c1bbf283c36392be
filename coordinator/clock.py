"""`Clock` and `Pace`: the time, and how often things are done. Both are given, never taken.

A test gives a clock that jumps, and a pace of its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is."""

    #: seconds, for durations and deadlines within this process
    monotonic: Callable[[], float] = time.monotonic
    #: the time of day, in UTC, for what is shown and sent
    now: Callable[[], datetime] = _now

    def stamp(self) -> str:
        """The time of day as RFC 3339."""
        return rfc3339(self.now())


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait, in seconds, and how much to do at once."""

    #: Nodes are judged by age, so time alone is a reason to look.
    tick_s: float = 1.0
    #: all nodes are judged this often, and whenever one is heard that was missed
    judge_s: float = 1.0
    #: A burst of statuses becomes one pass.
    debounce_s: float = 0.005
    #: after a failure of the bus
    retry_s: float = 1.0
    #: between two looks whether anybody else has written what only the active coordinator writes
    audit_s: float = 10.0
    #: after a lost race: at once, but not as fast as the processor can
    conflict_pause_s: float = 0.02
    #: a status that was put is read back at once; asking more often than this helps nobody
    reread_s: float = 1.0
    #: a standby's answers are at most so old
    standby_read_s: float = 2.0
    #: how long the commands of what is deleted are remembered
    tombstone_s: float = 600.0
    #: A node takes its orders within a second. One whose engine hangs looks at it for longer.
    behind_s: float = 10.0
    #: A container of an update that isn't up by then has failed.
    release_s: float = 300.0
    #: A document that was too large for the bus is made and refused again: that takes long.
    refused_s: float = 10.0
    #: An agent answers when its engine has; the engine's own deadline is shorter.
    delivery_s: float = 10.0
    #: Judging all nodes, and trying again what has no place, may each take this share of the time.
    share: float = 0.1
    #: Services that are settled, or views that are made, before others get a turn: some milliseconds.
    slice: int = 50
    #: Documents that are made before others get a turn, and written side by side. While commands
    #: pour in, few at a time: a node that waits for its turn gets the orders of many at once.
    documents: int = 8


CLOCK = Clock()
PACE = Pace()


class Allowance:
    """Lets something that costs time be done for a share of the time at most."""

    def __init__(self, clock: Clock, share: float) -> None:
        self._clock = clock
        self._share = share
        self._began = self._free_at = 0.0

    @property
    def is_free(self) -> bool:
        """Whether enough time has passed since it was done last."""
        return self._clock.monotonic() >= self._free_at

    def __enter__(self) -> None:
        self._began = self._clock.monotonic()

    def __exit__(self, *_: object) -> None:
        ended = self._clock.monotonic()
        self._free_at = ended + (ended - self._began) * (1 / self._share - 1)


def rfc3339(moment: datetime) -> str:
    """In UTC, as records and events have it."""
    return moment.isoformat().replace("+00:00", "Z")


def seconds_rfc3339(seconds: float) -> str:
    """A time of day given in seconds since 1970, to the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
