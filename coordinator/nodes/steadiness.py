"""`Steadiness`: since when this process has really been listening.

A process that was stopped, or whose event loop was blocked, has heard nobody meanwhile. What it
could not hear says nothing about a node, so it starts to count anew, as after a reconnect.
"""

import asyncio
from collections.abc import Callable

import structlog

from coordinator.clock import CLOCK, Clock

log = structlog.get_logger()

BEAT_S = 0.5
#: less than the silence that makes a node suspect; more than a pass over a thousand nodes blocks
GAP_S_MAX = 3.0


class Steadiness:
    """Combines the link's word with our own."""

    def __init__(
        self,
        link_settled_since: Callable[[], float | None],
        clock: Clock = CLOCK,
    ) -> None:
        self._link_settled_since = link_settled_since
        self._clock = clock
        self._looked_at = self._steady_since = clock.monotonic()

    def since(self) -> float | None:
        """Monotonic seconds; None while there is no link."""
        now = self._clock.monotonic()
        gap_s = now - self._looked_at
        self._looked_at = now
        if gap_s > GAP_S_MAX:
            log.warning("this process stood still; nodes are judged anew", seconds=round(gap_s, 1))
            self._steady_since = now
        settled = self._link_settled_since()
        return None if settled is None else max(settled, self._steady_since)

    async def keep(self) -> None:
        """For ever: look, so that a gap is a gap of ours."""
        while True:
            self.since()
            await asyncio.sleep(BEAT_S)
