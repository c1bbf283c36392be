"""Virtual time: an event loop whose clock jumps to the next timer instead of waiting for it.

    def pytest_asyncio_loop_factories():      # in a conftest.py
        return {"virtual": VirtualTimeLoop}

`asyncio.sleep(3600)` then takes no time, and a test may say that exactly an hour has passed.
Nothing that waits for the outside world (threads, sockets, processes) belongs on this loop.
"""

import asyncio
import selectors

#: what `wall_clock` shows when a loop starts: any moment will do, as long as it is always the same
EPOCH = 1_700_000_000.0


class _JumpingSelector(selectors.SelectSelector):
    """Lets the loop's time pass by as much as it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("every task waits for something that can't happen")
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def wall_clock() -> float:
    """The time of day on the running loop."""
    return EPOCH + asyncio.get_running_loop().time()
