"""What a document must say of one slot: `entry`, pure.

A slot's entry moves through `stopped` (held), `running` and `absent`; which step is due follows
from three things only: what the project record wants, the entry in the node's present document,
and what is seen. So any coordinator can go on where another one stopped.

- Start: an entry becomes `running` when every awaited dependency is up. Once `running` it stays so,
  even if a dependency fails later: order matters for starting, not for living.
- Stop and delete: an entry is left as it is until all dependents have stopped (are gone).
- `absent` stays in the document until the node has reported, for that document, that nothing is
  left. A node that was away therefore drops what moved when it comes back.
- Slots of a set that waits for its turn are `stopped`, and their node gets their image.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from coordinator.releases.groups import SlotGroup
from coordinator.views.rollup import NodePicture, ProjectView, ServiceView, awaited
from schemas.desired import DesiredSlot, NodeDesired, Preparation, PullPolicy
from schemas.fingerprint import spec_key
from schemas.names import SlotKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.release import ServiceRecord
from schemas.service import ServiceSpec
from schemas.states import State, Wanted

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
    #: projects whose records prove nothing now: their entries stay as they are
    doubted: Collection[str] = ()
    doubted_volumes: Collection[str] = ()
    #: of the record of a project, and of a volume
    project_revision: Callable[[str], int] = unwritten
    volume_revision: Callable[[str], int] = unwritten


def entry(
    situation: Situation,
    held: NodeDesired,
    key: SlotKey,
    before: DesiredSlot | None,
    *,
    is_placed: bool,
) -> DesiredSlot | None:
    """What the next document of a node must say of this slot; None: nothing."""
    project = situation.projects.get(key.project)
    if project is None or key.project in situation.doubted:
        # A project that we have no record of may have lost it: what the document says of it may be
        # all that is left. It stays, and its containers are nobody's to remove.
        return before
    view = situation.view(key.project)
    known = held.specs.get(before.spec) if before else None
    grace_s = known.stop_grace_s if known else None
    if project.desired_state is State.DELETED or view is None:
        return _leaving(project, key, before, view, grace_s)
    group = view.group_of(key)
    if not is_placed or group is None:
        alike = view.groups.get(key.service_key)
        return _absent(key, before, alike[-1].spec.stop_grace_s if alike else grace_s)
    service = group.record
    wanted = _wanted(view, group, before)
    says = {
        **_BLANK,
        "project": key.project,
        "service": key.service,
        "slot": key.slot,
        "set_name": key.set_name,
        "wanted": wanted,
        "spec": spec_key(group.spec),
        "version": group.version,
        "is_global": service.template.is_global,
        "tries": service.tries,
        "refresh": service.refresh,
        "pull": _pull(service),
        "stop_signal": service.stop_signal if wanted is Wanted.STOPPED else "",
        "stop_timeout_s": service.stop_timeout_s if wanted is Wanted.STOPPED else None,
        "prepares": _prepares(group),
        "joins": group.joins,
    }
    # Nearly all of them say what they said before, and to make one costs more than to decide it.
    return before if before is not None and vars(before) == says else DesiredSlot(**says)


def specs_of(
    situation: Situation, held: NodeDesired, slot: DesiredSlot
) -> Mapping[str, ServiceSpec]:
    """The specs that an entry refers to, by the key that it has for each."""
    wanted = {slot.spec, slot.prepares.spec if slot.prepares else ""} - {""}
    found = {key: held.specs[key] for key in wanted if key in held.specs}
    if found.keys() == wanted:
        return found
    view = situation.view(slot.project)
    group = view.group_of(slot.key) if view else None
    for one in (group, group.prepares if group else None):
        if one is not None:
            found[spec_key(one.spec)] = one.spec
    return {key: found[key] for key in wanted}


def _prepares(group: SlotGroup) -> Preparation | None:
    ahead = group if group.is_held else group.prepares
    if ahead is None:
        return None
    return Preparation(
        spec=spec_key(ahead.spec),
        version=ahead.version,
        refresh=ahead.record.refresh,
        pull=_pull(ahead.record),
    )


def _pull(service: ServiceRecord) -> PullPolicy:
    """A redeploy asks for the newest image of every service, and insists on it for some."""
    policy = service.template.pull
    is_redeployed = service.refresh > 0
    return PullPolicy.NEWER if is_redeployed and policy is PullPolicy.MISSING else policy


def _wanted(project: ProjectView, group: SlotGroup, before: DesiredSlot | None) -> Wanted:
    if group.is_held:
        return Wanted.STOPPED
    services = project.side(is_next=group.is_next)
    released = before is not None and before.wanted is Wanted.RUNNING
    if group.record.desired_state is State.RUNNING:
        free = released or not awaited(group.record, services)
        return Wanted.RUNNING if free else Wanted.STOPPED
    held_up = released and any(
        dependent.desired_state is not State.RUNNING and not dependent.is_settled
        for dependent in dependents(group.record, services)
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
    grace_s: float | None,
) -> DesiredSlot | None:
    """An entry of a project that is being deleted: dependents leave first."""
    service = view.services.get(key.service) if view else None
    if service is not None and before is not None and before.wanted is not Wanted.ABSENT:
        dependent = dependents(service.record, view.services) if view else ()
        if not project.force and any(each.containers for each in dependent):
            return before
    gone = _absent(key, before, grace_s)
    kill = {"stop_signal": "KILL", "stop_timeout_s": 0.0} if project.force else {}
    return gone.model_copy(update={**kill, "remove_volumes": project.remove_volumes})


def _absent(key: SlotKey, before: DesiredSlot | None, grace_s: float | None) -> DesiredSlot:
    if before is not None and before.wanted is Wanted.ABSENT:
        return before
    return DesiredSlot(
        project=key.project,
        service=key.service,
        slot=key.slot,
        set_name=key.set_name,
        wanted=Wanted.ABSENT,
        stop_timeout_s=grace_s,
    )
