"""Records, nodes and documents to everything that follows from them. Pure.

`follow` decides everything anew: it is what `Following`, which decides over changes, is held
against. Both share what is said here of one node.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from coordinator.placement.assignments import Situation, assign, unwritten
from coordinator.placement.homes import homes, node_view
from coordinator.placement.schedule import schedule
from coordinator.releases.groups import slot_groups
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.rollup import ProjectView, roll_up
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import Wanted


@dataclass(frozen=True, slots=True)
class Consequences:
    """Where slots go, how things stand, and the documents that must change for it."""

    placement: Placement
    #: with their next generation, by node
    changed: Mapping[str, NodeDesired]
    views: Mapping[str, ProjectView] = field(default_factory=dict)

    @property
    def first(self) -> frozenset[str]:
        """The nodes that lose a slot to another one. Their documents are written first.

        A coordinator that dies between two writes must not leave a slot on two nodes.
        """
        return frozenset(source for source, _ in self.placement.moved.values())


def follow(
    projects: Mapping[str, ProjectRecord],
    nodes: Sequence[NodePicture],
    documents: Mapping[str, NodeDesired],
    epoch: int,
    *,
    volumes: Mapping[str, VolumeRecord] = MappingProxyType({}),
    frozen: bool = False,
    revision: Callable[[str], int] = unwritten,
) -> Consequences:
    """Decide everything anew. With `frozen` nothing moves to another node.

    `revision`: of each project's record, which documents note.
    """
    placement = schedule(
        projects.values(),
        [node_view(node, volumes) for node in nodes],
        homes(nodes, documents),
        frozen=frozen,
    )
    views = roll_up(projects.values(), placement, nodes)
    by_node: dict[str, set[SlotKey]] = {node.name: set() for node in nodes}
    for slot, name in placement.assigned.items():
        by_node[name].add(slot)
    situation = Situation(
        projects=projects,
        view=views.get,
        placed=by_node.__getitem__,
        nodes={node.name: node for node in nodes},
        documents=documents,
        volumes=volumes,
        project_revision=revision,
    )
    return Consequences(placement, assign(situation, epoch), views)


def unexplained(
    changed: Mapping[str, NodeDesired],
    documents: Mapping[str, NodeDesired],
    projects: Mapping[str, ProjectRecord],
    home: Callable[[SlotKey], str | None],
    is_assigned: Callable[[SlotKey], bool],
) -> dict[str, frozenset[SlotKey]]:
    """By node, the slots that would be removed though their records want them there.

    A deletion, a scale in and a slot's new place explain a removal. Slots of global services have
    their place in their number, so there only the place that it has had so far (`home`, by the
    documents) explains one: a machine that was renamed or cloned has containers that are another
    node's.
    """
    lost = {}
    for name, document in changed.items():
        held = documents.get(name)
        before = {s.key for s in held.slots if s.wanted is Wanted.ABSENT} if held else set()
        leaving = {s.key for s in document.slots if s.wanted is Wanted.ABSENT} - before
        lost[name] = frozenset(
            key
            for key in leaving
            if _is_wanted(
                *(key, projects.get(key.project)),
                is_elsewhere=(home(key) or name) != name,
                is_assigned=is_assigned(key),
            )
        )
    return {name: keys for name, keys in lost.items() if keys}


def _is_wanted(
    key: SlotKey, project: ProjectRecord | None, *, is_elsewhere: bool, is_assigned: bool
) -> bool:
    groups = slot_groups(project) if project else ()
    group = next((g for g in groups if g.key == key.service_key and g.has(key.slot)), None)
    if group is None:
        return False
    return not is_elsewhere if group.record.template.is_global else not is_assigned
