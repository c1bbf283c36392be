"""Records, nodes and documents to everything that follows from them: `follow`, pure.

One pass's decisions in one place: schedule, roll up, assign.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from coordinator.placement.assignments import Situation, assign
from coordinator.placement.schedule import NodeView, schedule
from coordinator.store.placements import Placement
from coordinator.views.incremental import NOTHING, RolledUp, roll_up_again
from coordinator.views.rollup import NodePicture
from coordinator.volumes.lifecycle import deserted_mounts, unfit_mounts
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.states import EngineState, State, Wanted


@dataclass(frozen=True, slots=True)
class Consequences:
    """Where slots go, and the documents that must change for it."""

    placement: Placement
    #: with their next generation, by node
    changed: Mapping[str, NodeDesired]
    #: how things stand with this placement
    rolled_up: RolledUp = NOTHING

    @property
    def first(self) -> frozenset[str]:
        """The nodes that lose a slot to another one. Their documents are written first.

        A coordinator that dies between two writes must not leave a slot on two nodes.
        """
        return frozenset(source for source, _ in self.placement.moved.values())

    def unexplained(
        self, projects: Mapping[str, ProjectRecord], documents: Mapping[str, NodeDesired]
    ) -> dict[str, frozenset[SlotKey]]:
        """By node, the slots that would be removed though their records want them there.

        A deletion, a scale in and a slot's new place explain a removal. Slots of global services
        have their place in their number, so there only the place that it has had so far explains
        one: a machine that was renamed or cloned has containers that are another node's.
        """
        leaving = {}
        for name, document in self.changed.items():
            held = documents.get(name)
            before = {s.key for s in held.slots if s.wanted is Wanted.ABSENT} if held else set()
            leaving[name] = {s.key for s in document.slots if s.wanted is Wanted.ABSENT} - before
        homes = placed(documents) if any(leaving.values()) else {}
        lost = {
            name: frozenset(
                key
                for key in keys
                if self._is_wanted(key, projects, is_elsewhere=homes.get(key, name) != name)
            )
            for name, keys in leaving.items()
        }
        return {name: keys for name, keys in lost.items() if keys}

    def _is_wanted(
        self, key: SlotKey, projects: Mapping[str, ProjectRecord], *, is_elsewhere: bool
    ) -> bool:
        project = projects.get(key.project)
        service = project.services.get(key.service) if project else None
        if project is None or service is None or project.desired_state is State.DELETED:
            return False
        if service.template.is_global:
            return not is_elsewhere
        return key.slot <= service.scale and key not in self.placement.assigned


def follow(
    projects: Mapping[str, ProjectRecord],
    nodes: Sequence[NodePicture],
    documents: Mapping[str, NodeDesired],
    epoch: int,
    *,
    volumes: Mapping[str, VolumeRecord] = MappingProxyType({}),
    frozen: bool = False,
    before: RolledUp = NOTHING,
) -> Consequences:
    """Decide everything anew. With `frozen` nothing moves to another node.

    `before` is any earlier roll-up: it makes this one cheaper, and no other.
    """
    placement = schedule(
        projects.values(),
        [_node_view(node, volumes) for node in nodes],
        _found(nodes) | placed(documents),
        frozen=frozen,
    )
    rolled_up = roll_up_again(before, projects, placement, nodes)
    situation = Situation(
        projects=projects,
        views=rolled_up.views,
        placement=placement,
        nodes={node.name: node for node in nodes},
        documents=documents,
        volumes=volumes,
    )
    return Consequences(placement, assign(situation, epoch), rolled_up)


def placed(documents: Mapping[str, NodeDesired]) -> dict[SlotKey, str]:
    """Where each slot is, according to the documents."""
    return {
        slot.key: name
        for name in sorted(documents)
        for slot in documents[name].slots
        if slot.wanted is not Wanted.ABSENT
    }


def _found(nodes: Iterable[NodePicture]) -> dict[SlotKey, str]:
    """Where a container of a slot is seen: what no document places stays there.

    So a lost document is made again around what runs, and a service that is scaled down and up
    again at once gets back the containers that had not left yet.
    """
    return {
        container.key: node.name
        for node in sorted(nodes, key=lambda each: -each.index)
        if node.is_trusted and node.current
        for container in node.current.containers
    }


def _node_view(node: NodePicture, volumes: Mapping[str, VolumeRecord]) -> NodeView:
    current = node.current
    if current is None:
        return NodeView(name=node.name, index=node.index, state=node.state, engine_ready=False)
    return NodeView(
        name=node.name,
        index=node.index,
        address=current.address,
        zone=current.zone,
        labels=current.labels,
        cpus=current.cpus,
        memory_bytes=current.memory_bytes,
        state=node.state,
        is_cordoned=node.is_cordoned,
        engine_ready=current.engine.state is EngineState.READY,
        unfit_mounts=unfit_mounts(node, volumes),
        deserted_mounts=deserted_mounts(node, volumes),
    )
