"""The roll-up from the last one: `roll_up_again`, pure.

A project's view follows from its record, its part of the placement, what nodes report of it, and
what is believed of those nodes. Records and reports never change, they are replaced: a view whose
sources are all the same is taken over, and only the others are rolled up. The result is equal to
`roll_up` of everything; a property test says so.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

from coordinator.store.placements import Placement
from coordinator.views.rollup import ProjectView, roll_up
from coordinator.views.sightings import NodePicture, doubt
from schemas.current import ContainerCurrent, SlotProblem
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.states import NodeState

#: what one node reports of one project
_Report = tuple[list[ContainerCurrent], list[SlotProblem]]


@dataclass(frozen=True, slots=True)
class RolledUp:
    """Every project's view, and what the views were made from."""

    views: Mapping[str, ProjectView] = field(default_factory=dict)
    records: Mapping[str, ProjectRecord] = field(default_factory=dict)
    placement: Placement = field(default_factory=Placement)
    #: the placement, project by project
    parts: Mapping[str, Placement] = field(default_factory=dict)
    nodes: Mapping[str, NodePicture] = field(default_factory=dict)
    #: what each node reports, project by project
    reports: Mapping[str, Mapping[str, _Report]] = field(default_factory=dict)


NOTHING = RolledUp()

#: of a node that is ready no view shows these, and some change with every look
_PASSING = {"joined", "is_cordoned", "silent_for_s", "silent_since"}
_lasting = attrgetter(*(each.name for each in fields(NodePicture) if each.name not in _PASSING))


def roll_up_again(
    before: RolledUp,
    projects: Mapping[str, ProjectRecord],
    placement: Placement,
    nodes: Iterable[NodePicture],
) -> RolledUp:
    """Every project's view as `roll_up` makes it, for less where little has changed."""
    known = {node.name: node for node in nodes}
    parts = before.parts if placement is before.placement else _parts(placement)
    changed = {
        name
        for name in known.keys() | before.nodes.keys()
        if not _is_same(before.nodes.get(name), known.get(name))
    }
    reports = {
        name: _reports(node) if name in changed else before.reports[name]
        for name, node in known.items()
    }
    now = RolledUp({}, projects, placement, parts, known, reports)
    touched = _touched(before, now, changed) & projects.keys()
    views = {name: view for name, view in before.views.items() if name not in touched}
    views |= _rolled_up(now, touched)
    return replace(now, views={name: views[name] for name in sorted(views) if name in projects})


def _touched(before: RolledUp, now: RolledUp, changed: Iterable[str]) -> set[str]:
    """The projects whose views may have changed; `changed` are the nodes that have."""
    records = now.records.items()
    touched = {name for name, record in records if before.records.get(name) is not record}
    if now.parts is not before.parts:
        names = now.parts.keys() | before.parts.keys()
        touched |= {name for name in names if now.parts.get(name) != before.parts.get(name)}
    if _has_suspect(now.nodes) != _has_suspect(before.nodes):
        # It says whether what has no place may still find one.
        touched |= {name for name, part in now.parts.items() if part.unplaced}
    doubtful = set()
    for name in changed:
        was, is_now = before.reports.get(name, {}), now.reports.get(name, {})
        if _look(before.nodes.get(name)) == _look(now.nodes.get(name)):
            names = was.keys() | is_now.keys()
            touched |= {each for each in names if was.get(each) != is_now.get(each)}
        else:
            touched |= was.keys() | is_now.keys()
            doubtful.add(name)
    if doubtful:
        # Those that are placed there say so, whether or not the node reports anything of them.
        assigned = now.placement.assigned.items()
        touched |= {key.project for key, node in assigned if node in doubtful}
    return touched


def _rolled_up(now: RolledUp, touched: Collection[str]) -> dict[str, ProjectView]:
    """Of these projects only, from what is about them."""
    parts = [now.parts[name] for name in touched if name in now.parts]
    assigned = {key: node for part in parts for key, node in part.assigned.items()}
    unplaced = {key: reason for part in parts for key, reason in part.unplaced.items()}
    concerned = set(assigned.values())
    nodes = [
        node
        for name, node in now.nodes.items()
        # Whether any node is suspect matters to all.
        if name in concerned
        or node.state is NodeState.SUSPECT
        or not now.reports[name].keys().isdisjoint(touched)
    ]
    return roll_up([now.records[name] for name in touched], Placement(assigned, unplaced), nodes)


def _parts(placement: Placement) -> dict[str, Placement]:
    found: dict[str, tuple[dict[SlotKey, str], dict[SlotKey, str]]] = {}
    for position, slots in enumerate((placement.assigned, placement.unplaced)):
        for key, text in slots.items():
            if key.project not in found:
                found[key.project] = ({}, {})
            found[key.project][position][key] = text
    return {name: Placement(*part) for name, part in found.items()}


def _reports(node: NodePicture) -> dict[str, _Report]:
    found: dict[str, _Report] = {}
    if node.current is not None:
        for container in node.current.containers:
            found.setdefault(container.project, ([], []))[0].append(container)
        for problem in node.current.problems:
            found.setdefault(problem.project, ([], []))[1].append(problem)
    return found


def _is_same(one: NodePicture | None, other: NodePicture | None) -> bool:
    """Whether nothing has changed that a view shows. Quick, for it is asked of every node."""
    if one is None or other is None or one.current is not other.current:
        return False
    if _lasting(one) != _lasting(other):
        return False
    return one.state is NodeState.READY or _look(one) == _look(other)


def _look(node: NodePicture | None) -> tuple[object, ...]:
    """What a node makes of everything that it reports."""
    if node is None:
        return ()
    current = node.current
    return (
        *(node.index, node.state, node.is_silent, node.is_trusted, doubt(node)),
        *((current.address, current.engine.state) if current else ()),
    )


def _has_suspect(nodes: Mapping[str, NodePicture]) -> bool:
    return any(node.state is NodeState.SUSPECT for node in nodes.values())
