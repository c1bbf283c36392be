"""`rehearse`: where a project's slots would go if its record became another one. Pure.

The scheduler that deploys decides it, over the real nodes and documents and beside all other
projects. A release is taken through its states by the same table, as if every batch came up and
somebody confirmed it: what its batches find in their way, and next to which container they are put,
is what they will find.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.placement.homes import homes, node_view
from coordinator.placement.occupancy import NodeView
from coordinator.placement.scheduler import Scheduler
from coordinator.releases.groups import slot_groups
from coordinator.releases.rollouts import Change, changes_of
from coordinator.releases.steps import Happening, finished, step
from coordinator.releases.table import Signal
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import NOWHERE, Placement
from coordinator.views.releases import slots_of
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord, VolumeRecord
from schemas.release import Release, ReleaseKind, ReleaseState, Rollout

#: Batches that are gone through one by one. Each costs a look at the whole project; after so many
#: the rest goes over at once, which only asks for more room side by side than there will be need of.
STEPS_MAX = 64

#: of a release of which everything goes well
_NEXT = {
    ReleaseState.PULLING: Signal.PULLED,
    ReleaseState.AWAITING_CONFIRMATION: Signal.CONFIRM,
    ReleaseState.CONFIRMING: Signal.ROUTED,
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """All that is known at one moment. Nothing in it changes later."""

    #: every record that is held
    projects: Mapping[str, ProjectRecord]
    nodes: tuple[NodePicture, ...]
    documents: Mapping[str, NodeDesired]
    volumes: Mapping[str, VolumeRecord] = field(default_factory=dict)
    #: nothing moves to another node
    is_frozen: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How it would end."""

    #: the record without its release
    record: ProjectRecord
    #: every slot's node at the end
    assigned: Mapping[SlotKey, str]
    #: why slots would get no node, or none while it matters: the release would stand still for them
    unplaced: Mapping[SlotKey, str]
    #: where the project's slots are now
    homes: Mapping[SlotKey, str]
    views: Mapping[str, NodeView]


def rehearse(cluster: Cluster, before: ProjectRecord | None, record: ProjectRecord) -> Rehearsed:
    """What becomes of the slots if `record`, which may have a release, takes the place of `before`."""
    name = record.name
    stage = _Stage(cluster, before, name)
    placement = stage.place(record)
    waiting: dict[SlotKey, str] = {}
    for _ in range(STEPS_MAX):
        if record.release is None:
            break
        waiting |= _waiting(record, record.release, placement)
        record = _next(record, record.release, placement)
        placement = stage.place(record)
    if record.release is not None:
        begun = _all_begun(record.release, changes_of(record, record.release))
        beside = record.model_copy(update={"release": begun})
        waiting |= _waiting(beside, begun, stage.place(beside))
        record = finished(beside, begun).model_copy(update={"release": None})
        placement = stage.place(record)
    wanted = placement.assigned.keys() | placement.unplaced.keys()
    return Rehearsed(
        record=record,
        assigned=placement.assigned,
        unplaced={
            **placement.unplaced,
            **{slot: why for slot, why in waiting.items() if slot in wanted},
        },
        homes=stage.homes_before,
        views=stage.views,
    )


class _Stage:
    """The cluster's scheduler, and documents that always say what it has decided."""

    def __init__(self, cluster: Cluster, before: ProjectRecord | None, name: str) -> None:
        self._name = name
        self._homes = homes(cluster.nodes, cluster.documents)
        self.homes_before = {s: node for s, node in self._homes.items() if s.project == name}
        self.views = {node.name: node_view(node, cluster.volumes) for node in cluster.nodes}
        self._placements: dict[str, Placement] = {}
        self._scheduler = Scheduler()
        self._scheduler.take_freeze(frozen=cluster.is_frozen)
        for view in self.views.values():
            self._scheduler.take_node(view.name, view)
        for project in cluster.projects.values():
            if project.name != name:
                self._scheduler.take_project(project.name, project)
        # What has its place keeps it while the others are decided.
        self._scheduler.take_project(name, before)
        self._decide()

    def place(self, record: ProjectRecord) -> Placement:
        """Where the project's slots go by this record."""
        self._scheduler.begin(self._homes.get)
        self._scheduler.take_project(self._name, record)
        self._decide()
        return self._placements.get(self._name, NOWHERE)

    def _decide(self) -> None:
        for name, placement in self._scheduler.decide(self._homes.get).items():
            former = self._placements.pop(name, NOWHERE)
            now = placement or NOWHERE
            for slot in former.assigned.keys() - now.assigned.keys():
                self._homes.pop(slot, None)
            self._homes.update(now.assigned)
            self._placements[name] = now


def _next(project: ProjectRecord, release: Release, placement: Placement) -> ProjectRecord:
    """The record after what happens next, if all goes well."""
    signal = _NEXT.get(release.state)
    if signal is None:
        is_through = all(change.is_through for change in changes_of(project, release).values())
        signal = Signal.ALL_UP if is_through else Signal.BATCH_UP
    happening = Happening(now=project.updated, up=release.rollouts.keys())
    return step(project, signal, happening, slots_of(project, placement))


def _all_begun(release: Release, changes: Mapping[str, Change]) -> Release:
    rollouts = {
        name: Rollout(begun=change.last_new, replaced=change.rollout.replaced)
        for name, change in changes.items()
    }
    return release.model_copy(update={"rollouts": rollouts})


def _waiting(project: ProjectRecord, release: Release, placement: Placement) -> dict[SlotKey, str]:
    """The slots without a node for which the release stands still: those of batches that are begun."""
    found: dict[SlotKey, str] = {}
    numbers = slots_of(project, placement)
    begun = [group for group in slot_groups(project) if group.is_next and not group.is_held]
    for group in begun:
        policy = group.record.template.update
        lacking = {
            slot: why
            for slot, why in placement.unplaced.items()
            if slot.service_key == group.key and group.has(slot.slot)
        }
        allowed = policy.max_failure_ratio * len(numbers(group.key.service))
        goes_on = policy.failure_action == "continue" or len(lacking) <= allowed
        if release.kind is ReleaseKind.BLUE_GREEN or not goes_on:
            found |= lacking
    return found
