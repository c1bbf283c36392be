"""`Tombstones`: what is deleted and has left every node becomes a tombstone, and later nothing.

A tombstone remembers the commands of its former life, so that one sent again gets its answer.
Reads: the store. Writes: KV `projects`, `volumes`.
"""

from typing import TypeVar

from coordinator.clock import CLOCK, PACE, Clock, Pace
from coordinator.commands import catalogue, volume_catalogue
from coordinator.ports import EventSink
from coordinator.store.store import Store
from coordinator.store.table import Table
from schemas.event import EventKind
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import State

RecordT = TypeVar("RecordT", ProjectRecord, VolumeRecord)


class _Deleted:
    """The records of one table that are deleted: on their way out, or gone."""

    def __init__(self) -> None:
        self.going: set[str] = set()
        self.gone: set[str] = set()

    def hear(
        self,
        name: str,
        _before: ProjectRecord | VolumeRecord | None,
        record: ProjectRecord | VolumeRecord | None,
    ) -> None:
        self.going.discard(name)
        self.gone.discard(name)
        if record is not None and record.is_gone:
            self.gone.add(name)
        elif record is not None and record.desired_state is State.DELETED:
            self.going.add(name)


class Tombstones:
    """Ends the lives of records."""

    def __init__(
        self, store: Store, events: EventSink, clock: Clock = CLOCK, pace: Pace = PACE
    ) -> None:
        self._store = store
        self._events = events
        self._clock = clock
        self._pace = pace
        self._projects, self._volumes = _Deleted(), _Deleted()
        store.projects.observe(self._projects.hear)
        store.volumes.observe(self._volumes.hear)
        self._gone_since: dict[tuple[str, str], float] = {}

    async def bury(self) -> None:
        """Turn what has left every node into tombstones. Raises Transient."""
        store = self._store
        for name in sorted(self._projects.going):
            record = store.projects.get(name)
            if record is None:
                # Read again meanwhile, and gone.
                continue
            is_applied = store.applied.get(name) == store.projects.revision(name)
            if is_applied and self._has_left(name, force=record.force):
                # Before its record is: a project of its name may have others right after.
                await store.revisions.drop_others(name, ())
                await store.projects.put(name, catalogue.bury(record))
                message = f"project {name} is deleted"
                self._events.tell(EventKind.OPERATION_ENDED, message, project=name)
        for name in sorted(self._volumes.going):
            if name in store.volumes and self._is_unmounted(name):
                await store.volumes.put(name, volume_catalogue.bury(store.volumes[name]))
                self._events.tell(EventKind.OPERATION_ENDED, f"volume {name} is deleted")

    async def drop(self) -> None:
        """Forget the tombstones that are old. Raises Transient.

        One that a document must still follow stays: without it nobody would ever order to remove
        what is on that node.
        """
        store = self._store
        await self._drop(
            "project", store.projects, {n for n in self._projects.gone if not self._is_wanted(n)}
        )
        gone = set(self._volumes.gone)
        for node in store.documents if gone else ():
            gone -= set(store.mounts_wanted(node))
        await self._drop("volume", store.volumes, gone)

    async def _drop(self, kind: str, table: Table[RecordT], gone: set[str]) -> None:
        now = self._clock.monotonic()
        for of_kind, name in list(self._gone_since):
            if of_kind == kind and name not in gone:
                del self._gone_since[kind, name]
        for name in sorted(gone):
            since = self._gone_since.setdefault((kind, name), now)
            if now - since > self._pace.tombstone_s:
                await table.delete(name)

    def _has_left(self, project: str, *, force: bool) -> bool:
        """Whether a deleted project has left every node; with `force`, every node that answers."""
        known = self._store.known
        return not any(
            not force or (node in known and known[node].is_trusted)
            for node in self._store.documented.nodes_of(project)
        )

    def _is_wanted(self, project: str) -> bool:
        """Whether a document still wants a slot of the project to be there."""
        documented = self._store.documented
        return any(
            slot.project == project
            for node in documented.nodes_of(project)
            for slot in documented.slots_at(node)
        )

    def _is_unmounted(self, volume: str) -> bool:
        """Whether no node that answers has the volume, or still has to be told of it."""
        store = self._store
        return not any(
            mount.name == volume
            for name, node in store.known.items()
            if node.is_trusted and name in store.documents
            for mount in store.documents[name].mounts
        )
