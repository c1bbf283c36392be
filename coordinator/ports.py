"""What the coordinator's parts need from each other and from the bus, as narrow protocols."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel

from schemas.command import AnyCommand
from schemas.event import EventKind
from schemas.query import AnyQuery
from schemas.reply import Reply


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's answer: the HTTP API's body as JSON, in pieces that other answers may share."""

    pieces: tuple[bytes, ...]
    #: hex; of two answers to the same query, equal exactly for equal bodies, on every coordinator
    tag: str
    #: bytes of all pieces
    size: int


def nothing() -> None:
    """Who need not hear that a command is decided."""


class Door(Protocol):
    """The one way in, for every face (HTTP, NATS)."""

    async def submit(self, command: AnyCommand, decided: Callable[[], None] = nothing) -> Reply:
        """Carry out a command once for its id, waiting up to `command.wait` for its effect.

        `decided` is called when it is accepted, before anything is waited for. Of a dry run nothing
        is carried out, and the reply's result is the plan.

        Never raises for what is wrong with the command or the world: that is a rejected reply with
        a reason. Accepted and then failed within the wait: `accepted` with progress `failed` and
        the reason. The wait running out: `accepted` with progress `running`.
        """
        ...

    async def ask(self, query: AnyQuery) -> Answer:
        """Answer from what is known now.

        Raises:
            NotFound: nothing has the name that was asked for.
            Transient: what only the bus has can't be had now, or is lost.
        """
        ...

    def not_ready_because(self) -> str:
        """Why commands would be refused now; empty when they would not."""
        ...

    def in_doubt(self) -> Sequence[str]:
        """What is wrong with single records, in words: commands about others are taken."""
        ...


class Bucket(Protocol):
    """One key-value bucket with compare-and-set.

    Raises `BusUnavailable` when the broker does not acknowledge in time: the write may have
    happened. Raises `RevisionConflict` when the revision has moved: it did not happen.
    """

    async def snapshot(self, at_least: int = 0) -> Mapping[str, tuple[bytes, int]]:
        """Every key with its value and revision.

        A copy of the bucket may answer, and lag behind. One that has not reached the sequence
        `at_least` yet raises BusUnavailable.
        """
        ...

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """One key's value and revision; None when it is not there."""
        ...

    async def newest(self) -> int:
        """The sequence of the newest write or deletion; 0 without any, or without the bucket."""
        ...

    async def put(self, key: str, value: BaseModel, revision: int) -> int:
        """Write if the key's newest revision is `revision` (0: it must not exist).

        Returns the new revision.
        """
        ...

    async def delete(self, key: str, revision: int) -> None: ...

    async def keys(self, first: str) -> Collection[str]:
        """The keys whose first token is this one and that have others; none, without the bucket."""
        ...

    async def purge(self, key: str) -> None:
        """Forget a key, and leave no mark of it. What is not there is purged already."""
        ...


class EventSink(Protocol):
    """Where the coordinator tells what happened."""

    def tell(self, kind: EventKind, message: str, *, node: str = "", **about: Any) -> None:
        """Queue an event of now; `about` are more of its fields.

        Never blocks; the oldest is dropped when too many wait.
        """
        ...


class PassMeter(Protocol):
    """Counts what the control loop does."""

    def count_pass(self, outcome: str, seconds: float) -> None:
        """A pass ended: settled, retry or failed."""
        ...

    def count_write(self, outcome: str) -> None:
        """A desired document was written: ok, conflict, refused or unavailable."""
        ...


class NodeRequests(Protocol):
    """Imperative requests to one agent."""

    async def signal(
        self, node: str, container_ids: tuple[str, ...], signal: str, deadline: datetime
    ) -> str:
        """Send a signal to these containers, by the deadline or not at all.

        Returns what failed, empty when all went well. Never raises.
        """
        ...
