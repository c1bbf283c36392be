"""`ProjectViews`: every project with its states, kept, and rolled up again where something changed.

A view follows from a project's record, its placement, what nodes report of it, and what is believed
of those nodes. The result is equal to `roll_up` of everything; a property test says so.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from coordinator.store.changes import Kind
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import NOWHERE
from coordinator.store.store import Store
from coordinator.views.rollup import ProjectView, view_of
from coordinator.views.sightings import doubt
from schemas.states import NodeState

#: Views that a reader makes at once, some 10 ms; the control loop makes the others, in slices.
AT_ONCE = 100


class ProjectViews:
    """Follows the store. A view never changes, it is replaced."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = 0
        self._views: dict[str, ProjectView] = {}
        #: what each node makes of everything that it reports
        self._looks: dict[str, tuple[object, ...]] = {}
        self._suspects: set[str] = set()
        #: to be rolled up again, in the order in which they were touched
        self._touched: dict[str, None] = {}

    @property
    def has_work(self) -> bool:
        """Whether a view is older than what it is made from."""
        self._follow()
        return bool(self._touched)

    def all(self) -> Mapping[str, ProjectView]:
        """Every project that is not gone, by name.

        After a change that touches more than `AT_ONCE` projects, some of them as they were before.
        """
        self._follow()
        for name in [each for each in self._touched if each not in self._views]:
            # One that was never shown before would be missing.
            self._roll_up(name)
        self.refresh(limit=AT_ONCE)
        return self._views

    def of(self, project: str) -> ProjectView | None:
        """One project; None: there is none, or it is gone."""
        self._follow()
        if project in self._touched:
            self._roll_up(project)
        return self._views.get(project)

    def refresh(self, *, limit: int | None = None) -> None:
        """Roll up again what was touched; so many of them at most."""
        self._follow()
        for name in list(self._touched)[:limit]:
            self._roll_up(name)

    def _follow(self) -> None:
        """Take note of what has changed in the store."""
        store = self._store
        if self._version == store.changes.version:
            return
        changes = store.changes.since(self._version)
        self._version = store.changes.version
        if changes is None:
            self._touch({*self._views, *store.projects, *store.doubts})
            self._look_at({*self._looks, *store.known})
            return
        for kind in (Kind.PROJECT, Kind.PLACEMENT, Kind.REPORTED, Kind.DOUBT):
            self._touch(changes.of(kind))
        self._look_at(changes.of(Kind.KNOWN))

    def _look_at(self, nodes: Collection[str]) -> None:
        store, had_suspects = self._store, bool(self._suspects)
        for name in nodes:
            node = store.known.get(name)
            if node is not None and node.state is NodeState.SUSPECT:
                self._suspects.add(name)
            else:
                self._suspects.discard(name)
            before, look = self._looks.pop(name, ()), _look(node)
            if node is not None:
                self._looks[name] = look
            if before != look:
                self._touch(store.reported.projects_at(name))
                self._touch({slot.project for slot in store.placed.at(name)})
        if had_suspects is not bool(self._suspects):
            # It says whether what has no place may still find one.
            self._touch([name for name, each in store.placements.items() if each.unplaced])

    def _touch(self, projects: Collection[str]) -> None:
        self._touched.update(dict.fromkeys(sorted(projects)))

    def _roll_up(self, name: str) -> None:
        self._touched.pop(name, None)
        store = self._store
        doubt, before = store.doubts.get(name), self._views.pop(name, None)
        record = store.projects.get(name) or (doubt.known if doubt else None)
        if record is None or (record.is_gone and doubt is None):
            return
        known, placement = store.known, store.placements.get(name, NOWHERE)
        view = view_of(
            record,
            placement,
            [(known[n], report) for n, report in store.reported.of(name).items() if n in known],
            known,
            # The placement may have been decided while a node was suspect that isn't any more.
            may_pass=bool(self._suspects) or placement.may_pass,
        )
        if doubt is not None:
            reasons = (doubt.words, *view.reasons)
            view = replace(view, record_state=doubt.kind.value, reasons=reasons)
        self._views[name] = view
        if _order(before) != _order(view):
            store.changes.append(Kind.ORDER, name)


def _look(node: NodePicture | None) -> tuple[object, ...]:
    if node is None:
        return ()
    current = node.current
    return (
        *(node.index, node.state, node.is_silent, node.is_trusted, doubt(node)),
        *((current.address, current.engine.state) if current else ()),
    )


def _order(view: ProjectView | None) -> tuple[object, ...]:
    """What other services of the project wait for, when they start or stop."""
    services = (*view.current.values(), *view.next.values()) if view else ()
    if not any(service.record.template.depends_on for service in services):
        return ()
    return tuple(
        (
            service.record.template.name,
            service.desired_state,
            service.is_up,
            service.is_settled,
            bool(service.containers),
            any(container.runs for container in service.containers),
        )
        for service in services
    )
