"""Placement to desired documents: `assign`, pure. `entries` has what is said of one slot."""

from collections.abc import Callable, Collection, Iterable, Mapping

from coordinator.placement.entries import Situation, entry, specs_of, unwritten
from coordinator.placement.local import LocalVolumes, networks_for, volumes_for
from coordinator.placement.mounts import mounts_for
from coordinator.store.nodes import has_taken
from coordinator.views.rollup import NodePicture
from schemas.desired import DesiredSlot, NodeDesired
from schemas.service import ServiceSpec
from schemas.states import EngineState, Wanted

__all__ = ["Situation", "assign", "document_for", "has_left", "unwritten"]


def assign(situation: Situation, epoch: int) -> dict[str, NodeDesired]:
    """The documents that must change, with their next generation, by node."""
    found = ((name, document_for(situation, name, epoch)) for name in sorted(situation.nodes))
    return {name: document for name, document in found if document is not None}


def document_for(situation: Situation, name: str, epoch: int) -> NodeDesired | None:
    """One node's document, with its next generation; None: it says what it must say already."""
    held = situation.documents.get(name) or NodeDesired(node=name, epoch=0, generation=0)
    wanted = _document(situation, held)
    node = situation.nodes[name]
    holds = (node.current.epoch, node.current.generation) if node.current else (0, 0)
    # It would refuse this document: the bus has lost the newer one, and that was accepted.
    is_behind = holds[0] < epoch and holds > (held.epoch, held.generation)
    if not is_behind and _substance(wanted) == _substance(held):
        return None
    # The node may remember more than a document that was lost and is made again.
    newest = max(held.generation, holds[1])
    numbers = {"epoch": epoch, "generation": newest + 1, "index": node.index}
    return wanted.model_copy(update=numbers)


def _substance(document: NodeDesired) -> tuple[object, ...]:
    return (
        *(document.slots, document.specs, document.networks),
        *(document.volumes, document.mounts),
    )


def _document(situation: Situation, held: NodeDesired) -> NodeDesired:
    node, placed = situation.nodes[held.node], situation.placed(held.node)
    has_read = _has_read(node, held)
    before = {slot.key: slot for slot in held.slots}
    there = {container.key for container in node.current.containers} if node.current else set()
    slots: list[DesiredSlot] = []
    specs: dict[str, ServiceSpec] = {}
    for key in sorted({*placed, *before, *there}):
        slot = entry(situation, held, key, before.get(key), is_placed=key in placed)
        if slot is None:
            continue
        ordered = slot.wanted is Wanted.ABSENT and before.get(key) == slot
        if ordered and has_read and key not in there:
            continue
        slots.append(slot)
        if slot.spec:
            specs.update(specs_of(situation, held, slot))
    kept = {slot.project for slot in slots if slot.wanted is not Wanted.ABSENT}
    volumes = LocalVolumes(node.current)
    # What the record of a project in doubt says of networks and volumes proves nothing either.
    recorded = {
        name: situation.projects[name]
        for name in kept | {volume.project for volume in held.volumes} | {*volumes.projects}
        if name in situation.projects and name not in situation.doubted
    }
    mounts = mounts_for(
        *(node, held, situation.volumes.values()),
        has_read=has_read,
        doubted=situation.doubted_volumes,
    )
    return NodeDesired(
        node=held.node,
        epoch=held.epoch,
        generation=held.generation,
        records=_made_from(
            {slot.project for slot in slots} & situation.projects.keys(),
            *(held.records, situation.doubted, situation.project_revision),
        ),
        volume_records=_made_from(
            {mount.name for mount in mounts} & situation.volumes.keys(),
            *(held.volume_records, situation.doubted_volumes, situation.volume_revision),
        ),
        specs=specs,
        slots=tuple(slots),
        networks=networks_for(recorded, held, kept),
        volumes=volumes_for(recorded, held, volumes, kept=kept, has_read=has_read),
        mounts=mounts,
    )


def _made_from(
    names: Collection[str],
    held: Mapping[str, int],
    doubted: Collection[str],
    revision: Callable[[str], int],
) -> dict[str, int]:
    """The revisions of the records that a document is made from; of what is in doubt, as before."""
    found = {name: revision(name) for name in sorted(names) if name not in doubted}
    found |= {name: at for name, at in held.items() if name in doubted}
    return {name: at for name, at in found.items() if at}


def _has_read(node: NodePicture, held: NodeDesired) -> bool:
    """Whether the node's report was made with this document, or a newer one, in hand.

    A report without a look at the engine proves nothing: its containers are unknown, not gone.
    """
    current = node.current
    return (
        current is not None
        and current.engine.state is EngineState.READY
        and has_taken(current, held)
    )


def has_left(
    name: str,
    nodes: Iterable[NodePicture],
    documents: Mapping[str, NodeDesired],
    *,
    force: bool,
) -> bool:
    """Whether a deleted project has left every node; with `force`, every node that answers."""
    trusted = {node.name for node in nodes if node.is_trusted}
    return not any(
        name in {entry.project for entry in document.slots}
        or name in {entry.project for entry in document.volumes}
        for node, document in documents.items()
        if not force or node in trusted
    )
