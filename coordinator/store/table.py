"""`Rows` in memory, and `Table`: the rows of one bucket, with compare-and-set.

Every change of a row goes through `remember` or `forget`: observers (indexes) see it, and the
change log has it. Writes: a table's own bucket.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    ValuesView,
)
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from pydantic import BaseModel

from coordinator.ports import Bucket
from coordinator.store.changes import ChangeLog, Kind
from schemas.codec import decode
from schemas.errors import InvalidInput

log = structlog.get_logger()

Value = TypeVar("Value")
Content = TypeVar("Content")
Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")

#: Documents that are decoded in one turn of the loop: some milliseconds, in which no heartbeat is
#: heard and no lease renewed.
TURN = 25

#: told of a row's key, its former value and its new one; None: there is none
Observer = Callable[[str, Value | None, Value | None], None]


async def in_turns(items: Iterable[Item]) -> AsyncIterator[Item]:
    """The items, with a turn for everybody else now and then."""
    for number, item in enumerate(items, 1):
        yield item
        if number % TURN == 0:
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Held(Generic[Content]):
    """A value and its revision in the bucket."""

    value: Content
    revision: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A key whose value is damaged, or of a version that can't be read here."""

    revision: int
    payload: bytes
    fault: str


class Rows(Mapping[str, Value]):
    """Values by key, of one kind. A value never changes, it is replaced."""

    def __init__(self, kind: Kind, changes: ChangeLog) -> None:
        self.kind = kind
        self._changes = changes
        self._rows: dict[str, Value] = {}
        self._observers: list[Observer[Value]] = []

    def __getitem__(self, key: str) -> Value:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    # As of the dict: those of `Mapping` are ten times slower, and asked at every pass.

    def keys(self) -> KeysView[str]:
        return self._rows.keys()

    def values(self) -> ValuesView[Value]:
        return self._rows.values()

    def items(self) -> ItemsView[str, Value]:
        return self._rows.items()

    def observe(self, observer: Observer[Value]) -> None:
        """Tell of every later change before it is logged."""
        self._observers.append(observer)

    def set(self, key: str, value: Value) -> None:
        """Replace a row. The very same value is no change."""
        before = self._rows.get(key)
        if before is value:
            return
        self._rows[key] = value
        self._tell(key, before, value)

    def renew(self, key: str, value: Value) -> None:
        """Hold another value that says the same; nobody is told."""
        self._rows[key] = value

    def forget(self, key: str) -> None:
        """Take a row out, if it is there."""
        before = self._rows.pop(key, None)
        if before is not None:
            self._tell(key, before, None)

    def replace(self, rows: Mapping[str, Value]) -> None:
        """Have these rows and no others; what is equal is no change."""
        for key in self._rows.keys() - rows.keys():
            self.forget(key)
        for key, value in rows.items():
            if self._rows.get(key) != value:
                self.set(key, value)

    def _tell(self, key: str, before: Value | None, after: Value | None) -> None:
        for observer in self._observers:
            observer(key, before, after)
        self._changes.append(self.kind, key)


def _nothing(_key: str) -> None:
    return None


def _itself(value: Model) -> Model:
    return value


class Table(Rows[Model]):
    """The rows of one bucket, as they were read or written last."""

    def __init__(
        self,
        kind: Kind,
        model: type[Model],
        bucket: Bucket,
        changes: ChangeLog,
        *,
        named: str = "name",
        blank: Callable[[str], Model | None] = _nothing,
        share: Callable[[Model], Model] = _itself,
    ) -> None:
        """`named`: the field that says the key; a value that says another one can't be read.

        `blank` of its key stands for a value that can't be read; None: there is no row then.

        `share` of what was read is held in its stead: an equal value, made of what is held already.
        """
        super().__init__(kind, changes)
        self.bucket = bucket
        self._model = model
        self._named = named
        self._blank = blank
        self._share = share
        self._revisions: dict[str, int] = {}
        self.unreadable: dict[str, Unreadable] = {}
        #: the newest revision that was ever read or written
        self.newest = 0
        #: how often the whole bucket was read
        self.readings = 0

    def revision(self, key: str) -> int:
        """The revision to write a key at; 0: it is not there."""
        return self._revisions.get(key, 0)

    def held(self, key: str) -> Held[Model] | None:
        """A row with its revision."""
        row = self._rows.get(key)
        return None if row is None else Held(row, self._revisions[key])

    async def put(self, key: str, value: Model, *, at: int | None = None) -> None:
        """Write the bucket, then the row; `at`: the revision that is written over, if not ours.

        Raises:
            RevisionConflict: somebody else has written; the row is as it was.
            BusUnavailable: it may have been written; the row is as it was.
            InvalidInput: it is larger than the bus takes.
        """
        expected = self.revision(key) if at is None else at
        self.remember(key, value, await self.bucket.put(key, value, expected))

    async def delete(self, key: str) -> None:
        """Delete in the bucket, then the row. Raises as `put` does."""
        await self.bucket.delete(key, self.revision(key))
        self._drop(key)

    async def reread(self, key: str) -> None:
        """Read one key, from a copy that is not behind. Raises BusUnavailable."""
        found = (await self.bucket.snapshot(await self.bucket.newest())).get(key)
        if found is None:
            self._drop(key)
        else:
            self._take(key, self._decoded(key, *found), found[1])

    async def read(self, newest: int) -> None:
        """Read all. What was written since the reading began stays.

        Raises:
            BusUnavailable: the copy that answered is older than `newest`, the bucket's newest
                sequence of a moment ago, or than what is remembered. It would take back what is
                known.
        """
        before = dict(self._revisions)
        at_least = max((newest, *before.values()))
        snapshot = await self.bucket.snapshot(at_least)
        decoded: dict[str, Model | Unreadable] = {}
        async for key, (payload, revision) in in_turns(snapshot.items()):
            if before.get(key) != revision:
                decoded[key] = self._decoded(key, payload, revision)
        # In one go: nobody sees half of a reading.
        self.readings += 1
        self.newest = max(self.newest, newest)
        for key in before.keys() - snapshot.keys():
            if self._revisions.get(key) == before[key]:
                self._drop(key)
        for key, each in decoded.items():
            revision, ours = snapshot[key][1], self._revisions.get(key)
            is_deleted = ours is None and key in before
            is_newer = ours is not None and ours != before.get(key) and ours > revision
            if not is_deleted and not is_newer:
                self._take(key, each, revision)

    def remember(self, key: str, value: Model, revision: int) -> None:
        """Hold what the bucket has at this revision, unless a newer one is held."""
        if revision < self.revision(key):
            return
        self._note(key, revision)
        self.unreadable.pop(key, None)
        self.set(key, value)

    def _take(self, key: str, found: Model | Unreadable, revision: int) -> None:
        self._note(key, revision)
        self.unreadable.pop(key, None)
        if isinstance(found, Unreadable):
            self.unreadable[key] = found
            blank = self._blank(key)
            if blank is None:
                self._tell(key, self._rows.pop(key, None), None)
                return
            found = blank
        self.set(key, found)

    def _note(self, key: str, revision: int) -> None:
        self._revisions[key] = revision
        self.newest = max(self.newest, revision)

    def _drop(self, key: str) -> None:
        self._revisions.pop(key, None)
        was_unreadable = self.unreadable.pop(key, None) is not None
        if key in self._rows:
            self.forget(key)
        elif was_unreadable:
            self._tell(key, None, None)

    def _decoded(self, key: str, payload: bytes, revision: int) -> Model | Unreadable:
        try:
            value = decode(self._model, payload)
        except InvalidInput as error:
            log.exception("a record can't be read", key=key)
            return Unreadable(revision, payload, str(error))
        if (name := getattr(value, self._named)) != key:
            log.error("a record is under another one's name", key=key, name=name)
            return Unreadable(revision, payload, f"it is the one of {name}")
        return self._share(value)
