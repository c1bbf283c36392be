"""What the scheduler goes by: where slots are so far, and what it sees of a node. Pure."""

from collections.abc import Iterable, Mapping

from coordinator.placement.mounts import deserted_mounts, unfit_mounts
from coordinator.placement.occupancy import NodeView
from coordinator.store.nodes import NodePicture
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import VolumeRecord
from schemas.states import EngineState, Wanted


def homes(nodes: Iterable[NodePicture], documents: Mapping[str, NodeDesired]) -> dict[SlotKey, str]:
    """Where each slot is so far: by its document, or else where a container of it is seen."""
    return _found(nodes) | placed(documents)


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
        for node in sorted(nodes, key=lambda each: (each.index, each.name), reverse=True)
        if node.is_trusted and node.current
        for container in node.current.containers
    }


def node_view(node: NodePicture, volumes: Mapping[str, VolumeRecord]) -> NodeView:
    """What the scheduler sees of a node."""
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
