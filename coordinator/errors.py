"""What the coordinator refuses or can't do.

    InvalidInput
    ├── SchemaError       (schemas.codec) not the document it should be
    ├── TemplateError     (compose) the template, with a path
    ├── NotFound          no such project, service or node
    ├── Conflict          a duplicate, or something in the way
    ├── TooLarge          more than the bus takes in one message
    ├── DeadlinePassed    a command that came too late
    └── StaleGeneration   a record that moved backwards
    Transient
    ├── BusUnavailable    NATS did not acknowledge in time
    ├── RevisionConflict  a compare-and-set lost; read again and decide again
    ├── BusWentBack       a bucket has less than it had
    ├── RecordInDoubt     what is kept of a project or volume proves nothing
    ├── RevisionLost      what is kept of a revision is lost, or can't be read
    ├── Overloaded        as much of this as is allowed is in hand
    └── NotActive         this coordinator is a standby

`code` is what a reply's reason says; HTTP statuses are `coordinator.faces.http.statuses`' business.
"""

from schemas.errors import InvalidInput, Transient
from schemas.reply import ReasonCode


class NotFound(InvalidInput):
    """Nothing of this kind has this name."""

    code = ReasonCode.NOT_FOUND

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"there is no {noun} {name!r}")


class NoRevision(NotFound):
    """A project's history doesn't have a revision of this number, or has it no more."""

    def __init__(self, project: str, number: int) -> None:
        InvalidInput.__init__(self, f"project {project} has no revision r{number}")


class Conflict(InvalidInput):
    """What is there already stands in the way."""

    code = ReasonCode.CONFLICT


class TooLarge(InvalidInput):
    """It is more than the bus takes in one message."""


class DeadlinePassed(InvalidInput):
    """The command's deadline was over when it was looked at."""

    code = ReasonCode.EXPIRED


class BusUnavailable(Transient):
    """NATS did not acknowledge in time."""

    code = ReasonCode.UNAVAILABLE


class RevisionConflict(Transient):
    """Somebody else wrote first."""

    code = ReasonCode.UNAVAILABLE


class BusWentBack(Transient):
    """A bucket has less than it had: its store was wiped, or an older copy of it came back."""

    code = ReasonCode.UNAVAILABLE


class RecordInDoubt(Transient):
    """What is kept of a project or volume is lost, unreadable or an old copy; an operator decides."""

    code = ReasonCode.UNAVAILABLE


class RevisionLost(Transient):
    """What is kept of a revision is lost, or can't be read here: the fault of nobody who asks."""

    code = ReasonCode.FAILED


class Overloaded(Transient):
    """As much of this as is allowed is in hand; nothing was done, and soon there is room."""

    code = ReasonCode.UNAVAILABLE


class NotActive(Transient):
    """Another coordinator is active, or none can be reached."""

    code = ReasonCode.UNAVAILABLE
