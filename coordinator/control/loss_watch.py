"""`LossWatch`: notices that the bus has lost data, and halts the coordinator for as long as it has.

Three signs: a bucket's newest sequence has fallen below what this process remembers, a node holds
newer orders than the bus has, or something would be removed that its record wants. While halted
nothing is written and no command is taken; what is remembered is still shown. Reads: the store,
the newest sequence of every bucket.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

import structlog

from coordinator.control.losses import Testimony, Word, newest_epoch, too_new, weigh, word
from coordinator.errors import BusWentBack
from coordinator.ports import Bucket, EventSink
from coordinator.store.changes import Kind
from coordinator.store.nodes import Position
from coordinator.store.store import Store
from schemas.event import EventKind
from schemas.names import SlotKey
from schemas.subjects import LEASE_BUCKET

log = structlog.get_logger()

#: of the slots that nobody asked to remove
_SHOWN_MAX = 5

#: what an operator can do about it
WAY_OUT = (
    "Nothing is changed and no command is taken until its newest store is back. To accept the "
    "loss, restart every coordinator with TROOPERS_COORDINATOR_ACCEPT_LOSS={epoch}"
)
STRANGER = (
    "node {name} holds orders of another cluster and is not taken in; if it belongs here, "
    "empty its agent's state directory"
)


class LossWatch:
    """Says when the store must be halted, and why."""

    def __init__(self, store: Store, lease: Bucket, events: EventSink, accepted: int = 0) -> None:
        """`lease`: the bucket whose revisions are epochs. `accepted`: epochs up to it may be lost."""
        self._store = store
        self._watched = {
            **{name: table.bucket for name, table in store.tables.items()},
            LEASE_BUCKET: lease,
        }
        self._events = events
        self._accepted = accepted
        #: the newest sequence ever seen, by bucket
        self._newest: dict[str, int] = {}
        self._audited: Mapping[str, int] = {}
        #: what was seen, by the sign that it was seen by
        self._seen: dict[str, str] = {}
        #: nodes that hold orders of another cluster
        self.strangers: frozenset[str] = frozenset()
        #: what each node's orders say, of which epoch, and up to which change
        self._words: dict[str, Word] = {}
        self._ahead_of_us: set[str] = set()
        self._too_new: set[str] = set()
        self._heard: tuple[int, int] = (0, 0)

    @property
    def remembers(self) -> bool:
        """Whether this process has seen data that a bucket made anew would not have."""
        return _has_data(self._kept())

    async def look(self) -> Mapping[str, int]:
        """See that no bucket has gone back, before any of them is read; their newest sequences.

        Raises:
            BusWentBack: one has; the coordinator is halted then.
            BusUnavailable: nothing is known.
        """
        kept = self._kept()
        newest = {name: await bucket.newest() for name, bucket in self._watched.items()}
        for name, known in sorted(kept.items() if _has_data(kept) else ()):
            if (now := newest.get(name, known)) < known:
                is_at = f"is at {now}" if now else "is empty or gone"
                self._note("bus", f"bucket {name} was at {known} and {is_at}")
                raise BusWentBack(self._store.halted_because)
        self._newest = newest
        self._note("bus", "")
        return newest

    async def is_overtaken(self) -> bool:
        """Whether somebody else has written or deleted: to be asked once in a while.

        What a bucket had at the last call, and this process has not seen since, was not its own.
        Raises as `look` does.
        """
        before, self._audited = self._audited, await self.look()
        tables = self._store.tables.items()
        return any(table.newest < before.get(name, 0) for name, table in tables)

    async def is_sound(self, epoch: int, read: Callable[[], Awaitable[None]]) -> bool:
        """Compare what nodes hold with what the bus has; whether the bus has lost nothing.

        `read` reads the documents again: what another coordinator wrote meanwhile is no loss.
        """
        positions = self._ahead(epoch)
        said = self._weigh(positions, epoch)
        if said.loss:
            await read()
            self._ahead(epoch)
            # Only of those who said so before the reading: what they say since may be newer.
            said = self._weigh(
                {node: at for node, at in positions.items() if self._is_ahead(node, at, epoch)},
                epoch,
            )
        self._note("nodes", said.loss)
        for name in sorted(said.strangers - self.strangers):
            self._events.tell(EventKind.NODE_REFUSED, STRANGER.format(name=name), node=name)
            log.warning("a node holds orders of another cluster and is not taken in", node=name)
        self.strangers = said.strangers
        return not said.loss

    def explains(self, unexplained: Mapping[str, Collection[SlotKey]]) -> bool:
        """Whether there is a reason for every removal; one that nobody asked for halts."""
        documents = self._store.documents
        lost = [
            f"{key} (node {name})"
            for name, keys in sorted(unexplained.items())
            if not self._accepted or (name in documents and documents[name].epoch > self._accepted)
            for key in sorted(keys)
        ]
        more = f" and {len(lost) - _SHOWN_MAX} more" if len(lost) > _SHOWN_MAX else ""
        shown = ", ".join(lost[:_SHOWN_MAX]) + more
        self._note("removals", f"nothing explains why {shown} should be removed" if lost else "")
        return not lost

    def _newest_epoch(self, epoch: int) -> int:
        # Every epoch is a revision of the lease: one above them all was never given by this bus. One
        # above our own may be that of a coordinator that has taken over.
        return max(epoch, self._newest.get(LEASE_BUCKET, 0))

    def _ahead(self, epoch: int) -> dict[str, Position]:
        """The nodes that are ahead of the bus, and what they hold; what has changed is looked at."""
        store, newest = self._store, self._newest_epoch(epoch)
        seen, of_epoch = self._heard
        changes = store.changes.since(seen) if of_epoch == newest else None
        self._heard = store.changes.version, newest
        if changes is None:
            self._words.clear()
            self._ahead_of_us.clear()
            names = {*store.reports, *store.positions, *store.documents}
        else:
            kinds = (Kind.REPORT, Kind.POSITION, Kind.DOCUMENT)
            names = {name for kind in kinds for name in changes.of(kind)}
        for name in names:
            position, document = store.position(name), store.documents.get(name)
            self._words.pop(name, None)
            self._ahead_of_us.discard(name)
            if position is not None:
                said = word(position, document, newest, accepted=self._accepted)
                self._words[name] = said
                if said is Word.AHEAD:
                    self._ahead_of_us.add(name)
            is_too_new = document is not None and document.epoch > max(newest, self._accepted)
            (self._too_new.add if is_too_new else self._too_new.discard)(name)
        return {name: store.position(name) or (0, 0) for name in self._ahead_of_us}

    def _is_ahead(self, node: str, position: Position, epoch: int) -> bool:
        document, newest = self._store.documents.get(node), self._newest_epoch(epoch)
        return word(position, document, newest, accepted=self._accepted) is Word.AHEAD

    def _weigh(self, ahead: Mapping[str, Position], epoch: int) -> Testimony:
        store, newest = self._store, self._newest_epoch(epoch)
        if not ahead and not self._too_new:
            return Testimony()
        is_contradicted = Word.AGREES in self._words.values()
        said = weigh(ahead, store.documents, store.nodes, newest, is_contradicted=is_contradicted)
        for name in sorted(self._too_new):
            if not said.loss:
                loss = too_new(name, store.documents[name], newest)
                said = Testimony(loss, said.strangers)
        return said

    def stand_by(self) -> None:
        """Only an active coordinator looks at nodes and removals: what was seen is forgotten."""
        for sign in ("nodes", "removals"):
            self._note(sign, "")

    def _note(self, sign: str, seen: str) -> None:
        """Halt while any sign says so; what was seen is empty when it says nothing."""
        if self._seen.get(sign, "") == seen:
            return
        self._seen[sign] = seen
        store, was_halted = self._store, bool(self._store.halted_because)
        words = "; ".join(filter(None, self._seen.values()))
        if words:
            newest = newest_epoch(self._positions(), store.documents)
            log.error("NATS has lost data; nothing is changed", seen=words, newest_epoch=newest)
            words = f"NATS has lost data: {words}. {WAY_OUT.format(epoch=newest)}"
        store.halt(words)
        if words and not was_halted:
            self._events.tell(EventKind.DATA_LOST, words)
        elif not words:
            log.warning("no sign of lost data any more")

    def _positions(self) -> Iterable[Position]:
        names = {*self._store.reports, *self._store.positions}
        return (self._store.position(name) or (0, 0) for name in names)

    def _kept(self) -> dict[str, int]:
        """The newest sequence of every bucket that this process has seen or written."""
        kept = {name: newest for name, newest in self._newest.items() if newest}
        for name, table in self._store.tables.items():
            if table.newest:
                kept[name] = max(kept.get(name, 0), table.newest)
        return kept


def _has_data(kept: Mapping[str, int]) -> bool:
    """Whether it is about more than the lease, which every coordinator writes anew."""
    return any(name != LEASE_BUCKET for name in kept)
