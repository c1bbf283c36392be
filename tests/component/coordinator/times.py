"""The time of component tests."""

import asyncio
from datetime import UTC, datetime

from coordinator.clock import Clock
from tests.fakes.clock import wall_clock

#: the running loop's, which may be virtual
CLOCK = Clock(
    monotonic=lambda: asyncio.get_running_loop().time(),
    now=lambda: datetime.fromtimestamp(wall_clock(), UTC),
)
