"""The roots of every error Troopers raises.

    TroopersError
    ├── InvalidInput      the caller's fault: never retried, a 4xx or a rejected command
    ├── Transient         the world's fault and it may pass: the next pass retries with back-off
    ├── Permanent         cannot succeed until what was asked changes or a human helps
    └── InvariantBroken   a defect of ours: the process dies loudly and is restarted

Leaves live with the side that raises them. A message says what was being done and to which
object; the cause is chained, never pasted into the text.
"""


class TroopersError(Exception):
    """Any error with a meaning in this program."""


class InvalidInput(TroopersError):
    """What was asked can't be done as asked. `where` is the path of the offending part."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        #: without the path
        self.message = message
        self.where = where


class Transient(TroopersError):
    """The world is in the way for now."""


class Permanent(TroopersError):
    """Trying the same thing again can't help."""


class InvariantBroken(TroopersError):
    """Something that can't happen did."""
