"""`WaitingRoom`: bounds how many requests of a face wait for what their command has begun."""

import contextlib
from collections.abc import Iterator

#: of each face. One who waits costs a connection and a look at every change, and can wait an hour.
SEATS = 1024


class WaitingRoom:
    """Counts who waits."""

    def __init__(self, seats: int = SEATS) -> None:
        self._free = seats

    @contextlib.contextmanager
    def seat(self) -> Iterator[bool]:
        """Whether there was a seat left, which is taken for as long as the block lasts."""
        is_free = self._free > 0
        self._free -= is_free
        try:
            yield is_free
        finally:
            self._free += is_free
