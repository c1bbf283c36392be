"""The one place in this package that sleeps."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], bool], deadline_s: float, *, poll_s: float = 0.05) -> bool:
    """Poll until the condition holds; False when the deadline passes first."""
    give_up_at = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= give_up_at:
            return False
        pause(poll_s)
    return True


def pause(seconds: float) -> None:
    """Let this time pass."""
    time.sleep(seconds)  # noqa: TID251 - there is no event loop here to block
