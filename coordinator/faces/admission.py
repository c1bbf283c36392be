"""`Admission`: what is let in, and what is refused at once, before any work is done for it.

What can't be done soon must not queue: the queue would be in front of the lease's renewal too.
So there is a bound on how much of each kind is in hand, and when the event loop is late, whatever
costs most is refused first: lists, then commands, then single reads. What was let in is carried
out; what was refused has left no trace.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Protocol, Self

from schemas.command import AnyCommand, CreateProject, RollbackUpdate, UpdateProject
from schemas.query import (
    AnyQuery,
    InspectService,
    InspectVolume,
    ListRevisions,
    ViewProject,
    ViewRevision,
    ViewRoutes,
)

#: a place is free again within this, because what holds it takes milliseconds
BUSY_RETRY_S = 1
#: what makes the loop late lasts longer than that, as does a fail-over
OVERLOAD_RETRY_S = 2


class Kind(StrEnum):
    """What is asked for, by what it costs."""

    LIST = "list"
    #: a command with a template, until it is compiled and saved
    TEMPLATE = "template"
    #: any other command, until it is saved
    COMMAND = "command"
    #: a command that is saved and waits for its effect
    WAIT = "wait"
    READ = "read"


class Cause(StrEnum):
    """Why something was refused."""

    #: as much of its kind as is allowed is in hand
    BUSY = "busy"
    #: the event loop is late
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of a kind is in hand at most, and how late the loop may be for more of it."""

    at_once: int
    lag_s_max: float


BOUNDS: Mapping[Kind, Bound] = MappingProxyType(
    {
        # Those that are made at the same time share what is rendered. A slow reader holds on to
        # what it still has to read, some 20 MiB in a large cluster.
        Kind.LIST: Bound(at_once=16, lag_s_max=0.1),
        # Two are compiled at a time, for some 10 ms each.
        Kind.TEMPLATE: Bound(at_once=16, lag_s_max=0.25),
        # Each holds the loop for about a millisecond, and a write to the bus is on its way meanwhile.
        Kind.COMMAND: Bound(at_once=64, lag_s_max=0.25),
        # Costs a connection and a look at every change, for up to an hour.
        Kind.WAIT: Bound(at_once=2048, lag_s_max=0.25),
        # Answered in the turn in which it is looked at, unless a project has thousands of containers.
        Kind.READ: Bound(at_once=256, lag_s_max=0.5),
    }
)

_PLURALS = {
    Kind.LIST: "lists",
    Kind.TEMPLATE: "templates",
    Kind.COMMAND: "commands",
    Kind.WAIT: "commands that wait (without a wait, this one is taken)",
    Kind.READ: "reads",
}


class Refused(Exception):
    """Not let in, and nothing has happened: worth sending again after `retry_after_s`."""

    def __init__(self, kind: Kind, cause: Cause) -> None:
        if cause is Cause.BUSY:
            super().__init__(f"too many at once: {_PLURALS[kind]}")
            self.retry_after_s = BUSY_RETRY_S
        else:
            super().__init__(f"overloaded, for the moment without {_PLURALS[kind]}")
            self.retry_after_s = OVERLOAD_RETRY_S
        self.kind = kind
        self.cause = cause


class RefusalMeter(Protocol):
    """Counts what was refused."""

    def count_refusal(self, kind: str, cause: str) -> None: ...


class Place:
    """One place among those of its kind, taken until the block ends or it is given back."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back = give_back
        self._is_taken = True

    def give_back(self) -> None:
        """Let the next one in. A second time it does nothing."""
        if self._is_taken:
            self._is_taken = False
            self._give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.give_back()


class Admission:
    """One for all faces of a process: they share its processor.

    `lag_s` says how late the event loop is just now.
    """

    def __init__(
        self,
        lag_s: Callable[[], float] = lambda: 0.0,
        meter: RefusalMeter | None = None,
        bounds: Mapping[Kind, Bound] = BOUNDS,
    ) -> None:
        self._lag_s = lag_s
        self._meter = meter
        self._bounds = bounds
        self._taken = dict.fromkeys(Kind, 0)

    def check(self, kind: Kind) -> None:
        """Raise Refused where `take` would. Good before work that precedes it, as reading a body."""
        cause = self._cause_against(kind)
        if cause is not None:
            if self._meter is not None:
                self._meter.count_refusal(kind, cause)
            raise Refused(kind, cause)

    def take(self, kind: Kind) -> Place:
        """A place, or Refused."""
        self.check(kind)
        self._taken[kind] += 1
        return Place(lambda: self._give_back(kind))

    def _give_back(self, kind: Kind) -> None:
        self._taken[kind] -= 1

    def _cause_against(self, kind: Kind) -> Cause | None:
        bound = self._bounds[kind]
        if self._lag_s() > bound.lag_s_max:
            return Cause.LATE
        return Cause.BUSY if self._taken[kind] >= bound.at_once else None


def kind_of_query(query: type[AnyQuery]) -> Kind:
    """A query's kind. Whatever shows one thing is a read, although a volume is on many nodes."""
    is_read = issubclass(
        query,
        ViewProject | ListRevisions | ViewRevision | ViewRoutes | InspectService | InspectVolume,
    )
    return Kind.READ if is_read else Kind.LIST


def kind_of_command(command: type[AnyCommand]) -> Kind:
    """A command's kind until it is saved."""
    has_template = issubclass(command, CreateProject | UpdateProject | RollbackUpdate)
    return Kind.TEMPLATE if has_template else Kind.COMMAND
