"""`RecordWriter`: decide about one record at a time, and make the decision real.

Commands about one name take turns, so that the record a decision was made on is the one it is
written over; different names don't wait for each other. Reads and writes: one table.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

from coordinator.commands.operations import remembered
from coordinator.errors import BusUnavailable, RevisionConflict
from coordinator.failpoints import failpoint
from coordinator.store.table import Table
from schemas.command import AnyCommand
from schemas.records import ProjectRecord, RememberedReply, VolumeRecord

RecordT = TypeVar("RecordT", ProjectRecord, VolumeRecord)
RecordT_co = TypeVar("RecordT_co", covariant=True)
DecisionT = TypeVar("DecisionT", bound="Decided[Any]")

#: A lost race is read and decided again; only a bus gone mad loses more often.
ATTEMPTS_MAX = 5


class Decided(Protocol[RecordT_co]):
    """What a decision has in any case: the record to write, and the answer."""

    @property
    def record(self) -> RecordT_co: ...
    @property
    def reply(self) -> RememberedReply: ...


class RecordWriter(Generic[RecordT]):
    """Changes the records of one table."""

    def __init__(self, table: Table[RecordT], reread: Callable[[], None]) -> None:
        """`reread`: called when a record may have changed without our knowing."""
        self._table: Table[RecordT] = table
        self._reread = reread
        # A lock lives as long as somebody holds or awaits it: names are the callers' to invent.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(
        self,
        name: str,
        command: AnyCommand,
        decide: Callable[[RecordT | None], Awaitable[DecisionT]],
        saved: Callable[[DecisionT], Awaitable[None]] | None = None,
    ) -> RememberedReply | DecisionT:
        """Decide, and save the record if it is another.

        Where the command was seen before, nothing is decided, and this is its first answer. `saved`
        is done before the next command about the name is decided.

        Raises whatever `decide` raises, Conflict where the command's id was used for another one,
        and BusUnavailable or RevisionConflict: then nothing is known to be saved.
        """
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                held, revision = self._table.get(name), self._table.revision(name)
                known = remembered(held, command)
                if known is not None:
                    return known
                decision = await decide(held)
                if held and decision.record is held:
                    return decision
                try:
                    await self._save(name, decision.record, revision)
                except RevisionConflict:
                    if attempt == ATTEMPTS_MAX:
                        raise
                    await self._table.reread(name)
                else:
                    if saved is not None:
                        await saved(decision)
                    return decision
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def amend(self, name: str, change: Callable[[RecordT], RecordT | None]) -> RecordT | None:
        """Write what `change` makes of the record, in turn with commands; None: there is nothing to do.

        Raises BusUnavailable or RevisionConflict: then nothing is known to be saved.
        """
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            held = self._table.get(name)
            changed = change(held) if held is not None else None
            if changed is None or changed is held:
                return None
            await self._save(name, changed, self._table.revision(name))
            return changed

    async def _save(self, name: str, record: RecordT, revision: int) -> None:
        failpoint("before_record_put")
        try:
            await self._table.put(name, record, at=revision)
        except (BusUnavailable, asyncio.CancelledError):
            # It may have been written all the same, and must not lie there until someone stumbles
            # over it.
            self._reread()
            raise
        failpoint("after_record_put")
