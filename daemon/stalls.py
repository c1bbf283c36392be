"""`Stalls`: how late the event loop is, always.

A beat that is due every 20 ms finds out: whatever held the loop made it late, and held up the lease,
heartbeats and every answer for as long. Waking up for it takes half a percent of an idle core.
A loop that stands still for a second can't say so itself; a thread that sleeps meanwhile logs once
what held it, with its stack.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Protocol

import structlog

log = structlog.get_logger()

BEAT_S = 0.02
#: what `lag_s` looks back at
WINDOW_S = 0.5
#: a stall of this length is a defect, and is told with its stack
LONG_S = 1.0


class StallMeter(Protocol):
    """Counts by how much beats were late."""

    def count_stall(self, seconds: float) -> None: ...


class Stalls:
    """Measures one event loop, from within it."""

    def __init__(
        self, meter: StallMeter | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._meter = meter
        self._clock = clock
        self._due = clock() + BEAT_S
        #: of the window: when each was seen, and its length
        self._recent: deque[tuple[float, float]] = deque()
        self._longest = 0.0

    @property
    def longest_s(self) -> float:
        """The longest stall since the start, in seconds."""
        return self._longest

    def lag_s(self) -> float:
        """How late every beat of the last half second was at least, in seconds.

        A single stall is over when it is seen; overload makes every beat late.
        """
        now = self._clock()
        self._forget(now)
        lengths = (length for _, length in self._recent)
        return min(lengths, default=max(0.0, now - self._due))

    async def keep(self) -> None:
        """For ever: beat."""
        watch = _LongStallWatch(self._clock)
        watch.start()
        try:
            while True:
                self._due = self._clock() + BEAT_S
                await asyncio.sleep(BEAT_S)
                watch.beat()
                self.beat()
        finally:
            watch.stop()

    def beat(self) -> None:
        """A beat that was due has come."""
        now = self._clock()
        late = max(0.0, now - self._due)
        self._longest = max(self._longest, late)
        self._recent.append((now, late))
        self._forget(now)
        if self._meter is not None:
            self._meter.count_stall(late)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0][0] < now - WINDOW_S:
            self._recent.popleft()


class _LongStallWatch:
    """A thread that looks now and then whether the loop's thread still beats."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._watched = threading.get_ident()
        self._beaten_at = clock()
        self._told_of = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def beat(self) -> None:
        self._beaten_at = self._clock()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LONG_S / 4):
            beaten_at = self._beaten_at
            if self._clock() - beaten_at < LONG_S or beaten_at == self._told_of:
                continue
            self._told_of = beaten_at
            frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - the way it is meant
            stack = "".join(traceback.format_stack(frame)) if frame else ""
            log.error("the event loop stands still", seconds=LONG_S, stack=stack)
