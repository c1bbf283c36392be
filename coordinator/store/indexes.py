"""Indexes over documents and reports: by project, by slot, by volume.

They follow their tables row by row, so they are true after every write. What a row has changed for
a project is told as a change of that project.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from schemas.current import ContainerCurrent, NodeCurrent, SlotProblem
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.states import Wanted

#: told of a project for which something has changed
Tell = Callable[[str], None]

_NOWHERE: frozenset[str] = frozenset()


class _Places:
    """Which nodes a key is at. A key without any is not kept.

    Nearly all keys are at one node. A set of its own for each took more memory than the keys.
    """

    def __init__(self) -> None:
        #: a set that can't be changed is shared by keys that are at one node only
        self._nodes: dict[object, set[str] | frozenset[str]] = {}

    def of(self, key: object) -> Collection[str]:
        return self._nodes.get(key, _NOWHERE)

    def move(self, node: str, before: Collection[object], after: Collection[object]) -> None:
        """The node had these keys, and has those."""
        alone = frozenset((node,))
        for key in before:
            if key not in after:
                self._remove(key, node)
        for key in after:
            if key not in before:
                self._add(key, alone)

    @property
    def rows(self) -> Mapping[object, Collection[str]]:
        """All of it, to be compared."""
        return self._nodes

    def _add(self, key: object, node: frozenset[str]) -> None:
        nodes = self._nodes.setdefault(key, node)
        if isinstance(nodes, set):
            nodes |= node
        elif nodes is not node:
            self._nodes[key] = {*nodes, *node}

    def _remove(self, key: object, node: str) -> None:
        nodes = self._nodes[key]
        if isinstance(nodes, set):
            nodes.discard(node)
            if nodes:
                return
        del self._nodes[key]


@dataclass(frozen=True, slots=True)
class Report:
    """What one node reports of one project."""

    containers: tuple[ContainerCurrent, ...] = ()
    problems: tuple[SlotProblem, ...] = ()


NO_REPORT = Report()


class Documented:
    """What documents say: where slots are wanted, and which nodes have to do with a project."""

    def __init__(self, tell_homes: Tell) -> None:
        self._tell_homes = tell_homes
        self._wanted: dict[str, frozenset[SlotKey]] = {}
        self._projects: dict[str, frozenset[str]] = {}
        self._wanted_at = _Places()
        self._nodes_of = _Places()

    @property
    def rows(self) -> tuple[object, ...]:
        """All of it, to be compared."""
        return self._wanted, self._projects, self._wanted_at.rows, self._nodes_of.rows

    def hear(self, node: str, _before: NodeDesired | None, document: NodeDesired | None) -> None:
        wanted = frozenset(wanted_slots(document)) if document else frozenset()
        had = self._wanted.pop(node, frozenset())
        if wanted:
            self._wanted[node] = wanted
        self._wanted_at.move(node, had, wanted)
        projects = projects_in(document) if document else frozenset()
        self._nodes_of.move(node, self._projects.pop(node, _NOWHERE), projects)
        if projects:
            self._projects[node] = projects
        for project in {key.project for key in had ^ wanted}:
            self._tell_homes(project)

    def home(self, slot: SlotKey) -> str | None:
        """The node whose document wants the slot there; of several the last by name."""
        return max(self._wanted_at.of(slot), default=None)

    def nodes_of(self, project: str) -> Collection[str]:
        """The nodes whose documents mention the project, be it to remove it."""
        return self._nodes_of.of(project)

    def projects_at(self, node: str) -> Collection[str]:
        return self._projects.get(node, _NOWHERE)

    def slots_at(self, node: str) -> Collection[SlotKey]:
        """The slots that the node's document wants there."""
        return self._wanted.get(node, frozenset())


class Reported:
    """What nodes report: of each project, and where containers of a slot are seen."""

    def __init__(self, tell_reported: Tell, tell_homes: Tell) -> None:
        self._tell_reported = tell_reported
        self._tell_homes = tell_homes
        self._by_node: dict[str, Mapping[str, Report]] = {}
        self._by_project: dict[str, dict[str, Report]] = {}
        self._seen: dict[str, frozenset[SlotKey]] = {}
        self._seen_at = _Places()
        self._volumes: dict[str, frozenset[str]] = {}
        self._volumes_at = _Places()

    @property
    def rows(self) -> tuple[object, ...]:
        """All of it, to be compared."""
        by_place = self._seen_at.rows, self._volumes_at.rows
        return self._by_node, self._by_project, self._seen, self._volumes, *by_place

    def hear(self, node: str, _before: NodeCurrent | None, report: NodeCurrent | None) -> None:
        had, has = self._by_node.pop(node, {}), reports_by_project(report)
        if has:
            self._by_node[node] = has
        for project in had.keys() | has.keys():
            if had.get(project, NO_REPORT) != has.get(project, NO_REPORT):
                self._file(project, node, has.get(project))
                self._tell_reported(project)
        containers = report.containers if report else ()
        seen = frozenset(container.key for container in containers)
        before = self._seen.pop(node, frozenset())
        if seen:
            self._seen[node] = seen
        self._seen_at.move(node, before, seen)
        for project in {key.project for key in before ^ seen}:
            self._tell_homes(project)
        volumes = frozenset(report.volumes_of if report else ())
        self._volumes_at.move(node, self._volumes.pop(node, _NOWHERE), volumes)
        if volumes:
            self._volumes[node] = volumes

    def of(self, project: str) -> Mapping[str, Report]:
        """What nodes report of the project, by node."""
        return self._by_project.get(project, {})

    def projects_at(self, node: str) -> Collection[str]:
        return self._by_node.get(node, {}).keys()

    def slots_at(self, node: str) -> Collection[SlotKey]:
        return self._seen.get(node, frozenset())

    def nodes_with(self, slot: SlotKey) -> Collection[str]:
        """The nodes that report a container of the slot."""
        return self._seen_at.of(slot)

    def nodes_with_volumes_of(self, project: str) -> Collection[str]:
        """The nodes that report local volumes of the project."""
        return self._volumes_at.of(project)

    def _file(self, project: str, node: str, report: Report | None) -> None:
        of_project = self._by_project.setdefault(project, {})
        if report is None:
            of_project.pop(node, None)
        else:
            of_project[node] = report
        if not of_project:
            del self._by_project[project]


def wanted_slots(document: NodeDesired) -> Iterable[SlotKey]:
    """The slots that the document wants to be there."""
    return (slot.key for slot in document.slots if slot.wanted is not Wanted.ABSENT)


def projects_in(document: NodeDesired) -> frozenset[str]:
    """The projects that a document mentions."""
    return frozenset(
        [slot.project for slot in document.slots] + [volume.project for volume in document.volumes]
    )


def reports_by_project(current: NodeCurrent | None) -> dict[str, Report]:
    """What a node reports, project by project."""
    if current is None:
        return {}
    containers: dict[str, list[ContainerCurrent]] = {}
    problems: dict[str, list[SlotProblem]] = {}
    for container in current.containers:
        containers.setdefault(container.project, []).append(container)
    for problem in current.problems:
        problems.setdefault(problem.project, []).append(problem)
    return {
        name: Report(tuple(containers.get(name, ())), tuple(problems.get(name, ())))
        for name in containers.keys() | problems.keys()
    }
