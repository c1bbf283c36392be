"""`Desk`: decide about one record at a time, and make the decision real.

Commands about one name take turns, so that the record a decision was made on is the one it is
written over; different names don't wait for each other. Reads: the picture. Writes: one bucket.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

from coordinator.commands.operations import remembered
from coordinator.errors import BusUnavailable, RevisionConflict
from coordinator.failpoints import failpoint
from coordinator.ports import Bucket
from coordinator.store.picture import Held, Picture
from schemas.codec import decode
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


class Follower(Protocol):
    """Who carries out what was decided."""

    def wake(self) -> None:
        """A record has changed."""
        ...

    def reread_and_wake(self) -> None:
        """A record may have changed without our knowing."""
        ...


class Desk(Generic[RecordT]):
    """One kind of record, in the picture and in its bucket."""

    def __init__(
        self,
        model: type[RecordT],
        bucket: Bucket,
        held: Callable[[], dict[str, Held[RecordT]]],
        picture: Picture,
        follower: Follower,
    ) -> None:
        """`held` is the picture's part for these records; it may be another one after a reading."""
        self._model: type[RecordT] = model
        self._bucket = bucket
        self._held: Callable[[], dict[str, Held[RecordT]]] = held
        self._picture = picture
        self._follower = follower
        # A lock lives as long as somebody holds or awaits it: names are the callers' to invent.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(
        self,
        name: str,
        command: AnyCommand,
        decide: Callable[[RecordT | None], Awaitable[DecisionT]],
    ) -> RememberedReply | DecisionT:
        """Decide, and save the record if it is another.

        Where the command was seen before, nothing is decided, and this is its first answer.

        Raises whatever `decide` raises, Conflict where the command's id was used for another one,
        and BusUnavailable or RevisionConflict: then nothing is known to be saved.
        """
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                held = self._held().get(name)
                known = remembered(held.value if held else None, command)
                if known is not None:
                    return known
                decision = await decide(held.value if held else None)
                if held and decision.record is held.value:
                    return decision
                try:
                    await self._save(name, decision.record, held.revision if held else 0)
                except RevisionConflict:
                    if attempt == ATTEMPTS_MAX:
                        raise
                    await self._reread(name)
                else:
                    return decision
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _save(self, name: str, record: RecordT, revision: int) -> None:
        failpoint("before_record_put")
        try:
            new_revision = await self._bucket.put(name, record, revision)
        except (BusUnavailable, asyncio.CancelledError):
            # It may have been written all the same, and must not lie there until someone stumbles
            # over it.
            self._follower.reread_and_wake()
            raise
        failpoint("after_record_put")
        self._held()[name] = Held(record, new_revision)
        self._picture.touch()
        self._follower.wake()

    async def _reread(self, name: str) -> None:
        found = (await self._bucket.snapshot(await self._bucket.newest())).get(name)
        if found is None:
            self._held().pop(name, None)
        else:
            self._held()[name] = Held(decode(self._model, found[0]), found[1])
