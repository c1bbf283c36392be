"""`in_slices`: long work on the event loop, in which others have their turns."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

from coordinator.clock import CLOCK, Clock

Made = TypeVar("Made")

#: Work that yields wherever it may be interrupted, after a millisecond at most, and returns what
#: it has made.
Work = Generator[None, None, Made]

#: how long the loop is held at a time: what waits beside it is late by no more than this
SLICE_S = 0.005


async def in_slices(work: Work[Made], clock: Clock = CLOCK) -> Made:
    """What the work makes. Work that takes less than a slice is done without a pause."""
    until = clock.monotonic() + SLICE_S
    while True:
        try:
            next(work)
        except StopIteration as done:
            made: Made = done.value
            return made
        if clock.monotonic() >= until:
            await asyncio.sleep(0)
            until = clock.monotonic() + SLICE_S
