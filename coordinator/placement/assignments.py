"""Placement to desired documents: `assign`, pure.

A slot's entry moves through `stopped` (held), `running` and `absent`; which step is due follows
from three things only: what the project record wants, the entry in the node's present document,
and what is seen. So any coordinator can go on where another one stopped.

- Start: an entry becomes `running` when every awaited dependency is up. Once `running` it stays so,
  even if a dependency fails later: order matters for starting, not for living.
- Stop and delete: an entry is left as it is until all dependents have stopped (are gone).
- `absent` stays in the document until the node has reported, for that document, that nothing is
  left. A node that was away therefore drops what moved when it comes back.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from coordinator.placement.local import networks_for, volumes_for
from coordinator.placement.mounts import mounts_for
from coordinator.store.nodes import has_taken
from coordinator.views.rollup import NodePicture, ProjectView, ServiceView, awaited
from schemas.desired import DesiredSlot, DesiredVolume, NodeDesired, PullPolicy
from schemas.fingerprint import spec_key
from schemas.names import SlotKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.release import ServiceRecord
from schemas.service import ServiceSpec
from schemas.states import EngineState, State, Wanted

#: what a slot says where nothing is said
_BLANK = {
    name: each.default for name, each in DesiredSlot.model_fields.items() if not each.is_required()
}


def unwritten(_name: str) -> int:
    """The revision of what is in no bucket."""
    return 0


@dataclass(frozen=True, slots=True)
class Situation:
    """All that `assign` looks at."""

    #: every record, those of deleted projects too
    projects: Mapping[str, ProjectRecord]
    #: a project's states, by name
    view: Callable[[str], ProjectView | None]
    #: the slots that a node has by the placement
    placed: Callable[[str], Collection[SlotKey]]
    nodes: Mapping[str, NodePicture]
    #: the documents as they are
    documents: Mapping[str, NodeDesired]
    volumes: Mapping[str, VolumeRecord] = field(default_factory=dict)
    #: local volumes to remove wherever they are, by name
    doomed: Mapping[str, DesiredVolume] = field(default_factory=dict)
    #: projects whose records prove nothing now: their entries stay as they are
    doubted: Collection[str] = ()
    doubted_volumes: Collection[str] = ()
    #: of the record of a project, and of a volume
    project_revision: Callable[[str], int] = unwritten
    volume_revision: Callable[[str], int] = unwritten


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
        slot = _entry(situation, key, before.get(key), is_placed=key in placed)
        if slot is None:
            continue
        ordered = slot.wanted is Wanted.ABSENT and before.get(key) == slot
        if ordered and has_read and key not in there:
            continue
        slots.append(slot)
        if slot.spec:
            specs[slot.spec] = _spec(situation, held, slot)
    kept = {slot.project for slot in slots if slot.wanted is not Wanted.ABSENT}
    # What the record of a project in doubt says of networks and volumes proves nothing either.
    recorded = {
        name: situation.projects[name]
        for name in kept | {volume.project for volume in held.volumes}
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
        volumes=volumes_for(
            *(recorded, held, node.current.volumes if node.current else ()),
            kept=kept,
            doomed={
                name: each
                for name, each in situation.doomed.items()
                if each.project not in situation.doubted
            },
            has_read=has_read,
        ),
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


def _entry(
    situation: Situation,
    key: SlotKey,
    before: DesiredSlot | None,
    *,
    is_placed: bool,
) -> DesiredSlot | None:
    """What a document must say of this slot; None: nothing."""
    project = situation.projects.get(key.project)
    if project is None or key.project in situation.doubted:
        # A project that we have no record of may have lost it: what the document says of it may be
        # all that is left. It stays, and its containers are nobody's to remove.
        return before
    service = project.services.get(key.service)
    view = situation.view(key.project)
    if project.desired_state is State.DELETED or service is None or view is None:
        return _leaving(project, key, before, view)
    if not is_placed:
        return _absent(key, before, service)
    wanted = _wanted(view, view.services[key.service], before)
    says = {
        **_BLANK,
        "project": key.project,
        "service": key.service,
        "slot": key.slot,
        "wanted": wanted,
        "spec": spec_key(service.template.spec),
        "version": project.version,
        "is_global": service.template.is_global,
        "tries": service.tries,
        "refresh": service.refresh,
        "pull": _pull(service),
        "stop_signal": service.stop_signal if wanted is Wanted.STOPPED else "",
        "stop_timeout_s": service.stop_timeout_s if wanted is Wanted.STOPPED else None,
    }
    # Nearly all of them say what they said before, and to make one costs more than to decide it.
    return before if before is not None and vars(before) == says else DesiredSlot(**says)


def _pull(service: ServiceRecord) -> PullPolicy:
    """A redeploy asks for the newest image of every service, and insists on it for some."""
    policy = service.template.pull
    is_redeployed = service.refresh > 0
    return PullPolicy.NEWER if is_redeployed and policy is PullPolicy.MISSING else policy


def _wanted(project: ProjectView, service: ServiceView, before: DesiredSlot | None) -> Wanted:
    released = before is not None and before.wanted is Wanted.RUNNING
    if service.desired_state is State.RUNNING:
        free = released or not awaited(service.record, project.services)
        return Wanted.RUNNING if free else Wanted.STOPPED
    held_up = released and any(
        dependent.desired_state is not State.RUNNING and not dependent.is_settled
        for dependent in dependents(service.record, project.services)
    )
    return Wanted.RUNNING if held_up else Wanted.STOPPED


def dependents(
    service: ServiceRecord, services: Mapping[str, ServiceView]
) -> tuple[ServiceView, ...]:
    """The services that name this one as a dependency."""
    name = service.template.name
    return tuple(view for view in services.values() if name in view.record.template.depends_on)


def _leaving(
    project: ProjectRecord,
    key: SlotKey,
    before: DesiredSlot | None,
    view: ProjectView | None,
) -> DesiredSlot | None:
    """An entry of a project, or service, that is being deleted: dependents leave first."""
    service = view.services.get(key.service) if view else None
    if service is not None and before is not None and before.wanted is not Wanted.ABSENT:
        dependent = dependents(service.record, view.services) if view else ()
        if not project.force and any(each.containers for each in dependent):
            return before
    gone = _absent(key, before, service.record if service else None)
    kill = {"stop_signal": "KILL", "stop_timeout_s": 0.0} if project.force else {}
    return gone.model_copy(update={**kill, "remove_volumes": project.remove_volumes})


def _absent(key: SlotKey, before: DesiredSlot | None, service: ServiceRecord | None) -> DesiredSlot:
    if before is not None and before.wanted is Wanted.ABSENT:
        return before
    grace = service.template.spec.stop_grace_s if service else None
    return DesiredSlot(
        project=key.project,
        service=key.service,
        slot=key.slot,
        wanted=Wanted.ABSENT,
        stop_timeout_s=grace,
    )


def _spec(situation: Situation, held: NodeDesired, slot: DesiredSlot) -> ServiceSpec:
    project = situation.projects.get(slot.project)
    service = project.services.get(slot.service) if project else None
    if service is not None and slot.spec not in held.specs:
        return service.template.spec
    return held.specs[slot.spec]


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
