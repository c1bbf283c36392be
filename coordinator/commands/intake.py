"""`Intake`: the one door for commands and queries, from every face.

A command is decided and saved (`Deciding`), its signals are delivered (`Deliveries`), the control
loop carries it out, and the answer may wait for that (`Waiting`). A dry run is none of that (`DryRuns`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coordinator.commands.catalogue import Decision
from coordinator.commands.deciding import Deciding
from coordinator.commands.deliveries import Deliveries, Journal
from coordinator.commands.dry_runs import DryRuns
from coordinator.commands.standings import Standing
from coordinator.commands.waiting import Waiting
from coordinator.errors import NotActive
from coordinator.ports import Answer, nothing
from coordinator.store.store import Store
from coordinator.views.queries import Queries
from schemas.command import AnyCommand, CreateProject, UpdateProject, VolumeCommand, is_dry_run
from schemas.errors import InvalidInput, Transient
from schemas.query import AnyQuery
from schemas.records import RememberedReply
from schemas.release import Operation
from schemas.reply import Progress, Reason, ReasonCode, Reply

#: what a wait ends with when this coordinator gives up the signals that it was delivering
GIVEN_UP = "the coordinator stopped while it delivered the signal; it may have been delivered"


@dataclass(frozen=True, slots=True)
class _Taken:
    """A command that was decided, now or before."""

    reply: Reply
    operation: Operation | None
    is_new: bool
    delivery: "asyncio.Task[Reply] | None" = None


class Intake:
    """Implements `coordinator.ports.Door`."""

    def __init__(
        self,
        store: Store,
        queries: Queries,
        deciding: Deciding,
        deliveries: Deliveries,
        waiting: Waiting,
        *,
        dry_runs: DryRuns,
        journal: Journal,
    ) -> None:
        self._store = store
        self._queries = queries
        self._deciding = deciding
        self._deliveries = deliveries
        self._waiting = waiting
        self._dry_runs = dry_runs
        self._journal = journal
        self._closed_because = "the coordinator is starting"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Commands are taken, and signals delivered; afterwards say with `close` why not."""
        async with self._deliveries.running():
            self._closed_because = ""
            yield

    def close(self, reason: str) -> None:
        """Refuse commands, saying why; queries are still answered."""
        self._closed_because = reason

    def not_ready_because(self) -> str:
        return self._store.halted_because or self._closed_because

    def in_doubt(self) -> Sequence[str]:
        doubts = (*self._store.doubts.values(), *self._store.volume_doubts.values())
        return [doubt.words for doubt in doubts]

    async def ask(self, query: AnyQuery) -> Answer:
        return await self._queries.ask(query)

    async def submit(self, command: AnyCommand, decided: Callable[[], None] = nothing) -> Reply:
        if is_dry_run(command):
            return await self._plan(command)
        try:
            taken = await self._take(command)
        except (InvalidInput, Transient) as error:
            reply = Reply.rejecting(error, command_id=command.command_id)
            self._journal(command, reply)
            return reply
        decided()
        if taken.is_new and taken.delivery is None:
            self._journal(command, taken.reply)
        if taken.reply.progress is None and command.wait > 0:
            return await self._wait(command, taken)
        return taken.reply

    async def _plan(self, command: CreateProject | UpdateProject) -> Reply:
        """What would be done. Like a query it leaves no trace, in the journal neither."""
        try:
            self._check_ready()
            return await self._dry_runs.plan(command)
        except (InvalidInput, Transient) as error:
            return Reply.rejecting(error, command_id=command.command_id)

    def _check_ready(self) -> None:
        if why := self.not_ready_because():
            raise NotActive(why)

    async def _take(self, command: AnyCommand) -> _Taken:
        """Decide, save, and begin to deliver signals."""
        self._check_ready()
        decided = await self._deciding.take(command)
        if isinstance(decided, RememberedReply):
            return _Taken(decided.plain, decided.operation, is_new=False)
        reply, operation = decided.reply.plain, decided.reply.operation
        # Only projects are signalled.
        if (
            isinstance(command, VolumeCommand)
            or not isinstance(decided, Decision)
            or not decided.signalled
        ):
            return _Taken(reply, operation, is_new=True)
        delivery = self._deliveries.begin(command, decided)
        begun = reply.model_copy(update={"progress": None})
        return _Taken(begun, operation, is_new=True, delivery=delivery)

    async def _wait(self, command: AnyCommand, taken: _Taken) -> Reply:
        """The reply with how far the operation came within the command's wait."""
        reply = taken.reply
        try:
            async with asyncio.timeout(command.wait):
                if taken.delivery is not None:
                    # Not shielded from itself: when it is given up, the wait is over.
                    await asyncio.wait({taken.delivery})
                    if taken.delivery.cancelled():
                        return _failed(reply, GIVEN_UP)
                    delivered = taken.delivery.result()
                    if delivered.progress is not None:
                        return delivered
                if taken.operation is None:
                    return reply
                return _at(reply, await self._waiting.end(command, taken.operation))
        except TimeoutError:
            return reply.model_copy(update={"progress": Progress.RUNNING})


def _failed(reply: Reply, why: str) -> Reply:
    reason = Reason(code=ReasonCode.FAILED, message=why)
    return reply.model_copy(update={"progress": Progress.FAILED, "reason": reason})


def _at(reply: Reply, standing: Standing) -> Reply:
    """The reply of an operation that is over."""
    if standing.progress is Progress.FAILED:
        return _failed(reply, standing.reason)
    reason = None
    if standing.progress is Progress.SUPERSEDED:
        reason = Reason(code=ReasonCode.CONFLICT, message=standing.reason)
    return reply.model_copy(update={"progress": standing.progress, "reason": reason})
