"""Why the loop wakes, and when. Events only wake: a lost one costs latency, never correctness."""

import asyncio
from enum import StrEnum


class Wake(StrEnum):
    """What may have changed."""

    #: the desired document
    HINT = "hint"
    #: the engine, or the view of it after a disconnect
    ENGINE = "engine"
    #: an action has ended
    ENDED = "ended"
    #: a probe's result
    PROBE = "probe"
    #: what a container printed last
    LOG = "log"
    #: a shared volume's mount
    MOUNT = "mount"
    #: something that had to wait is due
    RETRY = "retry"
    #: nothing is known to have changed: look at everything anyway
    RESYNC = "resync"


#: Engine events come in bursts (die, stop, disconnect, destroy); one look serves them all. Counted
#: from the first event of a burst, so an endless burst can't postpone the look.
DEBOUNCE_S = 0.05


class Wakes:
    """Collects wakes until the loop asks for them."""

    def __init__(self) -> None:
        self._reasons: set[Wake] = set()
        self._any = asyncio.Event()
        self._hint = asyncio.Event()

    def wake(self, reason: Wake) -> None:
        self._reasons.add(reason)
        self._any.set()
        if reason is Wake.HINT:
            self._hint.set()

    async def collect(self, *, retry_in_s: float | None, resync_in_s: float) -> frozenset[Wake]:
        """Wait for the first reason. All but a hint of new orders are debounced."""
        retries_first = retry_in_s is not None and retry_in_s < resync_in_s
        wait_s = resync_in_s if retry_in_s is None else min(retry_in_s, resync_in_s)
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._any.wait()
        except TimeoutError:
            self._reasons.add(Wake.RETRY if retries_first else Wake.RESYNC)
        else:
            await self.pause(DEBOUNCE_S)
        reasons = frozenset(self._reasons)
        self._reasons.clear()
        self._any.clear()
        self._hint.clear()
        return reasons

    async def pause(self, seconds: float) -> None:
        """Let more reasons gather, but a hint ends the pause."""
        try:
            async with asyncio.timeout(seconds):
                await self._hint.wait()
        except TimeoutError:
            return
