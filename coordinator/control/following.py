"""`Following`: what follows from changes: the schedule, views, and the documents to write. Pure.

It follows the store's change log and redoes what a change touches: a project, a node. It has the
same result as `follow`, which decides everything anew; a property test holds both against each
other. It writes the placement into the store; documents it only makes.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from coordinator.control.decision import unexplained
from coordinator.placement.assignments import Situation, document_for
from coordinator.placement.homes import node_view
from coordinator.placement.local import loses_volumes
from coordinator.placement.scheduler import Scheduler
from coordinator.store.changes import Kind
from coordinator.store.store import Store, made_at
from coordinator.views.projects import ProjectViews
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.states import State


class Following:
    """One pass after another: `begin`, `decide` until nothing is left, then `documents`."""

    def __init__(self, store: Store, views: ProjectViews) -> None:
        self._store = store
        self.views = views
        self._scheduler = Scheduler()
        self._version = 0
        #: nodes whose documents must be made again
        self._dirty: dict[str, None] = {}
        #: nodes that lose a slot to another one
        self._sources: set[str] = set()
        #: nodes whose documents would have removed what is wanted
        self._suspicious: set[str] = set()
        #: project -> revision that is being followed, and the nodes it still has to reach
        self._open: dict[str, tuple[int, set[str]]] = {}
        #: slots that have moved since the last look, from where to where
        self.moved: dict[SlotKey, tuple[str, str]] = {}

    @property
    def has_documents(self) -> bool:
        """Whether documents are to be made, as far as is known."""
        return bool(self._dirty)

    @property
    def may_retry(self) -> bool:
        """Whether slots that have no place may find one, or lack it for another reason."""
        return self._scheduler.may_retry

    def begin(self) -> None:
        """A new pass."""
        self._scheduler.begin(self._store.home)

    def try_refused(self) -> None:
        """What was too large for the bus may not be any more: its limit is an operator's to raise."""
        self._dirty.update(dict.fromkeys(self._store.refused))

    def decide(self, *, limit: int | None = None, retry: bool = True) -> bool:
        """Take note of changes, and decide for so many of the services; whether that was all."""
        self._take_note()
        decided = self._scheduler.decide(self._store.home, limit=limit, retry=retry)
        for name, placement in decided.items():
            if name not in self._store.projects and name in self._store.doubts:
                continue
            before = self._store.placements.get(name)
            if placement is None:
                self._store.placements.forget(name)
            elif placement != before:
                self._store.placements.set(name, placement)
                self.moved.update(placement.moved)
                self._sources.update(source for source, _ in placement.moved.values())
            had, has = before.assigned if before else {}, placement.assigned if placement else {}
            self._soil(
                {
                    node
                    for slot in had.keys() | has.keys()
                    if had.get(slot) != has.get(slot)
                    for node in (had.get(slot), has.get(slot))
                    if node is not None
                },
                name,
            )
        if self._scheduler.has_work:
            return False
        self.views.refresh(limit=limit)
        if self.views.has_work:
            return False
        # What views say of the order of services.
        self._take_note()
        self._close()
        return True

    def documents(self, epoch: int, *, limit: int | None = None) -> dict[str, NodeDesired]:
        """Documents that must change, of so many nodes; those that lose slots to others go first.

        Each of them is for `written`, or for `failed`.
        """
        dirty = (
            sorted(self._dirty.keys() & self._suspicious)
            or sorted(self._dirty.keys() & self._sources)
            or list(self._dirty)
        )
        situation = self._situation()
        changed = {}
        for name in dirty[:limit]:
            del self._dirty[name]
            document = document_for(situation, name, epoch) if name in self._store.known else None
            if document is None:
                # It has what it must have, also where it could not have more for a while.
                self._store.refused.forget(name)
                self._settled(name)
            else:
                changed[name] = document
        self._close()
        return changed

    def unexplained(self, changed: Mapping[str, NodeDesired]) -> dict[str, frozenset[SlotKey]]:
        """By node, the slots that these documents would remove though their records want them."""
        store = self._store

        def is_assigned(slot: SlotKey) -> bool:
            placement = store.placements.get(slot.project)
            return placement is not None and slot in placement.assigned

        return unexplained(
            changed, store.documents, store.projects, store.documented.home, is_assigned
        )

    def written(self, node: str) -> None:
        """A node has its document, or can't have it."""
        self._settled(node)
        self._close()

    def failed(self, nodes: Collection[str], *, look_first: bool = False) -> None:
        """These documents were not written: they are made again, with `look_first` before others."""
        self._dirty.update(dict.fromkeys(nodes))
        if look_first:
            self._suspicious.update(nodes)

    def _take_note(self) -> None:
        store = self._store
        changes = store.changes.since(self._version)
        self._version = store.changes.version
        if changes is None:
            self._take_everything()
            return
        for name in changes.of(Kind.PROJECT):
            self._take_project(name)
        is_for_all = changes.of(Kind.VOLUME) or changes.of(Kind.VOLUME_DOUBT)
        nodes = store.known if is_for_all else changes.of(Kind.KNOWN)
        for name in nodes:
            self._take_node(name)
        # Its document was written by us, or is another one than ours.
        self._dirty.update(dict.fromkeys(changes.of(Kind.DOCUMENT)))
        for name in changes.of(Kind.HOMES):
            self._scheduler.take_homes(name, store.home)
        if changes.of(Kind.CONDITION):
            self._scheduler.take_freeze(frozen=bool(store.frozen_because))
        for name in changes.of(Kind.ORDER):
            self._soil(store.nodes_of(name), name)
        for name in changes.of(Kind.DOUBT):
            self._take_doubt(name)

    def _take_everything(self) -> None:
        store = self._store
        for name in sorted({*store.projects, *self._scheduler.records}):
            self._take_project(name)
            self._scheduler.take_homes(name, store.home)
        for name in sorted({*store.known, *self._scheduler.nodes}):
            self._take_node(name)
        self._scheduler.take_freeze(frozen=bool(store.frozen_because))
        for name in store.doubts:
            self._take_doubt(name)

    def _take_doubt(self, name: str) -> None:
        """A project is in doubt, or no longer. Without a record, it stays where its documents say."""
        store = self._store
        if name not in store.projects:
            if name in store.doubts:
                store.placements.set(name, store.documented_placement(name))
            else:
                store.placements.forget(name)
        self._soil(store.nodes_of(name), name)

    def _take_node(self, name: str) -> None:
        store = self._store
        node = store.known.get(name)
        view = node_view(node, store.volumes) if node else None
        has = {*store.documented.slots_at(name), *store.reported.slots_at(name)}
        self._scheduler.take_node(name, view, has)
        self._dirty[name] = None

    def _take_project(self, name: str) -> None:
        store = self._store
        record, before = store.projects.get(name), self._scheduler.records.get(name)
        if record is before:
            return
        nodes = set(store.nodes_of(name))
        if record and before and _is_like(record, before):
            services = _changed_services(record, before)
            nodes = {node for node in nodes if self._has(node, name, services)}
        if record and loses_volumes(record):
            nodes.update(store.reported.nodes_with_volumes_of(name))
        self._scheduler.take_project(name, record)
        if record is None or record.desired_state is State.DELETED:
            # A standby shows where its slots are by the documents.
            store.placements.forget(name)
        self._open[name] = store.projects.revision(name), set()
        self._soil(nodes, name)

    def _has(self, node: str, project: str, services: set[str]) -> bool:
        """Whether the node has to do with one of these services."""
        store = self._store
        document = store.documents.get(node)
        report = store.reported.of(project).get(node)
        return (
            any(s.project == project and s.service in services for s in store.placed.at(node))
            or any(
                s.project == project and s.service in services
                for s in (document.slots if document else ())
            )
            or any(c.service in services for c in (report.containers if report else ()))
        )

    def _soil(self, nodes: Iterable[str], project: str) -> None:
        """These documents must be made again, for the project."""
        names = [name for name in nodes if name in self._store.known]
        self._dirty.update(dict.fromkeys(names))
        if project in self._open:
            self._open[project][1].update(names)

    def _settled(self, node: str) -> None:
        self._sources.discard(node)
        self._suspicious.discard(node)
        for _, missing in self._open.values():
            missing.discard(node)

    def _close(self) -> None:
        """Note the projects that are followed to the end."""
        if self._scheduler.has_work:
            return
        done = [name for name, (_, missing) in self._open.items() if not missing]
        for name in done:
            revision, _ = self._open.pop(name)
            if name not in self._store.projects:
                self._store.applied.forget(name)
            elif self._store.applied.get(name) != revision:
                self._store.applied.set(name, revision)

    def _situation(self) -> Situation:
        store = self._store
        return Situation(
            projects=store.projects,
            view=self.views.of,
            placed=store.placed.at,
            nodes=store.known,
            documents=store.documents,
            volumes=store.volumes,
            doubted=store.doubts,
            doubted_volumes=store.volume_doubts,
            project_revision=partial(made_at, store.projects),
            volume_revision=partial(made_at, store.volumes),
        )


def _is_like(record: ProjectRecord, before: ProjectRecord) -> bool:
    """Whether two records of a project differ in single services at most, for documents."""
    return (
        record.services.keys() == before.services.keys()
        and record.release is before.release
        and _shared(record) == _shared(before)
        and record.networks is before.networks
        and record.volumes is before.volumes
    )


def _shared(record: ProjectRecord) -> tuple[object, ...]:
    is_deleted = record.desired_state is State.DELETED
    return record.version, record.force, record.remove_volumes, is_deleted


def _changed_services(record: ProjectRecord, before: ProjectRecord) -> set[str]:
    return {
        name
        for name, service in record.services.items()
        if before.services.get(name) is not service
    }
