"""`LossWatch`: notices that the bus has lost data, and halts the coordinator for as long as it has.

Three signs: a bucket's newest sequence has fallen below what this process remembers, a node holds
newer orders than the bus has, or something would be removed that its record wants. While halted
nothing is written and no command is taken; what is remembered is still shown. Reads: the picture,
the newest sequence of every bucket.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog

from coordinator.bus.publisher import event
from coordinator.control.losses import Position, Testimony, newest_epoch, weigh
from coordinator.errors import BusWentBack
from coordinator.ports import Bucket, EventSink
from coordinator.store.picture import Picture
from schemas.event import EventKind
from schemas.names import SlotKey
from schemas.subjects import (
    DESIRED_BUCKET,
    LEASE_BUCKET,
    NODES_BUCKET,
    PROJECTS_BUCKET,
    VOLUMES_BUCKET,
)

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
    """Owns `Picture.halted_because`."""

    def __init__(
        self,
        picture: Picture,
        watched: Mapping[str, Bucket],
        events: EventSink,
        accepted: int = 0,
    ) -> None:
        """`watched`: every bucket by name. `accepted`: epochs up to this one may be lost."""
        self._picture = picture
        self._watched = watched
        self._events = events
        self._accepted = accepted
        #: the newest sequence ever seen, by bucket
        self._newest: dict[str, int] = {}
        #: what was seen, by the sign that it was seen by
        self._seen: dict[str, str] = {}
        #: nodes that hold orders of another cluster
        self.strangers: frozenset[str] = frozenset()

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
                raise BusWentBack(self._picture.halted_because)
        self._newest = newest
        self._note("bus", "")
        return newest

    async def is_sound(self, epoch: int, read: Callable[[], Awaitable[None]]) -> bool:
        """Compare what nodes hold with what the bus has; whether the bus has lost nothing.

        `read` reads the documents again: what another coordinator wrote meanwhile is no loss.
        """
        holding = self._picture.holding_now()
        said = self._weigh(holding, epoch)
        if said.loss:
            await read()
            said = self._weigh(holding, epoch)
        self._note("nodes", said.loss)
        for name in sorted(said.strangers - self.strangers):
            self._events.tell(event(EventKind.NODE_REFUSED, STRANGER.format(name=name), node=name))
            log.warning("a node holds orders of another cluster and is not taken in", node=name)
        self.strangers = said.strangers
        return not said.loss

    def explains(self, unexplained: Mapping[str, Collection[SlotKey]]) -> bool:
        """Whether there is a reason for every removal; one that nobody asked for halts."""
        documents = self._picture.held_documents()
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

    def _weigh(self, holding: Mapping[str, Position], epoch: int) -> Testimony:
        # Every epoch is a revision of the lease: one above them all was never given by this bus. One
        # above our own may be that of a coordinator that has taken over.
        newest = max(epoch, self._newest.get(LEASE_BUCKET, 0))
        documents = self._picture.held_documents()
        return weigh(holding, documents, self._picture.nodes, newest, accepted=self._accepted)

    def _note(self, sign: str, seen: str) -> None:
        """Halt while any sign says so; what was seen is empty when it says nothing."""
        if self._seen.get(sign, "") == seen:
            return
        self._seen[sign] = seen
        picture, was_halted = self._picture, bool(self._picture.halted_because)
        words = "; ".join(filter(None, self._seen.values()))
        if words:
            newest = newest_epoch(picture.holding_now(), picture.held_documents())
            log.error("NATS has lost data; nothing is changed", seen=words, newest_epoch=newest)
            words = f"NATS has lost data: {words}. {WAY_OUT.format(epoch=newest)}"
        picture.halted_because = words
        if words and not was_halted:
            self._events.tell(event(EventKind.DATA_LOST, words))
        elif not words:
            log.warning("NATS has its data again; the coordinator goes on")
        picture.touch()

    def _kept(self) -> dict[str, int]:
        """The newest sequence of every bucket that this process has seen or written."""
        picture = self._picture
        kept = {name: newest for name, newest in self._newest.items() if newest}
        for name, revisions in (
            (PROJECTS_BUCKET, [held.revision for held in picture.projects.values()]),
            (VOLUMES_BUCKET, [held.revision for held in picture.volumes.values()]),
            (NODES_BUCKET, [held.revision for held in picture.nodes.values()]),
            (DESIRED_BUCKET, [held.revision for held in picture.documents.values()]),
        ):
            if revisions:
                kept[name] = max(kept.get(name, 0), *revisions)
        return kept


def _has_data(kept: Mapping[str, int]) -> bool:
    """Whether it is about more than the lease, which every coordinator writes anew."""
    return any(name != LEASE_BUCKET for name in kept)
