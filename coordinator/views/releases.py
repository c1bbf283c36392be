"""What is seen of a release: its batches, its images, its slots. Pure.

A container proves something only when its node has taken the orders that are meant: until then what
runs is what was there before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from coordinator.releases.groups import SlotGroup
from coordinator.releases.rollouts import SlotsOf, changes_of, is_backwards
from coordinator.releases.sensing import Pulls
from coordinator.store.nodes import NodePicture, has_taken
from coordinator.store.placements import Placement
from coordinator.views.rollup import ProjectView
from coordinator.views.services import ServiceView
from coordinator.views.sightings import ContainerView, wanted_slots
from schemas.current import SlotProblem
from schemas.desired import NodeDesired
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.states import State

#: what a container suffers that counts as a failure of an update at once
_FAILURES = frozenset({"crashed", "unhealthy"})
#: reasons that are told of one batch
_REASONS_MAX = 3

Nodes = Mapping[str, tuple[NodePicture, NodeDesired]]


@dataclass(frozen=True, slots=True)
class BatchNow:
    """The slots of one service that have gone over so far, or are back, at this moment."""

    total: int
    missing: int = 0
    failed: int = 0
    failed_missing: int = 0
    why: str = ""


def slots_of(project: ProjectRecord, placement: Placement) -> SlotsOf:
    """The numbers of the slots that services have; of a global one, where its nodes are."""
    placed: dict[str, set[int]] = {}
    for slot in placement.assigned:
        placed.setdefault(slot.service, set()).add(slot.slot)
    target = project.release.target.services if project.release else {}

    def numbers(name: str) -> tuple[int, ...] | range:
        of = [each for each in (project.services.get(name), target.get(name)) if each]
        if any(each.template.is_global for each in of):
            return tuple(sorted(placed.get(name, ())))
        return range(1, max((each.scale for each in of), default=0) + 1)

    return numbers


def batches_now(view: ProjectView, placement: Placement, nodes: Nodes) -> dict[str, BatchNow]:
    """Every service of the project's release, as far as it is. `nodes` by name, with documents."""
    release = view.record.release
    if release is None:
        return {}
    is_back = is_backwards(release)
    problems = {
        problem.key: (name, problem)
        for name, (picture, _) in nodes.items()
        for problem in (picture.current.problems if picture.current else ())
        if placement.assigned.get(problem.key) == name
    }
    numbers = slots_of(view.record, placement)
    found = {}
    for name, change in changes_of(view.record, release).items():
        policy = change.policy(is_back=is_back)
        look = _Look(
            placement=placement,
            nodes=nodes,
            problems=problems,
            is_strict=release.kind is ReleaseKind.STANDARD and policy.parallelism > 0,
            is_refreshed=change.old is not None and change.new.refresh != change.old.refresh,
        )
        groups = [
            group
            for alike in view.groups.values()
            for group in alike
            if group.key.service == name and group.is_next is not is_back and not group.is_held
        ]
        side = view.current if is_back else view.next
        found[name] = look.at(groups, side.get(name), total=len(numbers(name)))
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    """What a batch is judged by."""

    placement: Placement
    nodes: Nodes
    problems: Mapping[SlotKey, tuple[str, SlotProblem]]
    #: a container that ends, or that its check gives up, has failed although it is tried again
    is_strict: bool
    #: containers of the same definition are to be replaced where their image is another one
    is_refreshed: bool

    def at(
        self, groups: Iterable[SlotGroup], service: ServiceView | None, *, total: int
    ) -> BatchNow:
        """The slots of these groups together."""
        missing = failed = failed_missing = 0
        reasons: dict[str, None] = {}
        containers: dict[SlotKey, list[ContainerView]] = {}
        for container in service.containers if service else ():
            containers.setdefault(container.current.key, []).append(container)
        for group in groups:
            if group.record.desired_state is State.STOPPED:
                # Nothing is to run, so nothing is waited for.
                continue
            for slot in self._awaited(group):
                there = containers.get(slot, [])
                is_missing = not self._is_up(group, slot, there)
                why = self._failure(group, slot, there)
                missing += is_missing
                failed += bool(why)
                failed_missing += bool(why) and is_missing
                if why:
                    reasons.setdefault(why)
        why = _told(reasons) or _told(dict.fromkeys(service.reasons if service else ()))
        return BatchNow(total, missing, failed, failed_missing, why)

    def _awaited(self, group: SlotGroup) -> Iterable[SlotKey]:
        """Without those on nodes that can't be reached: they follow when their node is back."""
        known = (*self.placement.assigned, *self.placement.unplaced)
        slots = wanted_slots(group, (key for key in known if key.service_key == group.key))
        for slot in slots:
            node = self.placement.assigned.get(slot)
            if node is None or (node in self.nodes and self.nodes[node][0].is_trusted):
                yield slot

    def _is_up(self, group: SlotGroup, slot: SlotKey, there: Iterable[ContainerView]) -> bool:
        if not self._has_orders(slot):
            return False
        current = self.nodes[self.placement.assigned[slot]][0].current
        if self.is_refreshed and not (current and current.settled):
            return False
        identity = fingerprint(group.spec)
        return any(each.fills_slot(group.record, identity) for each in there)

    def _has_orders(self, slot: SlotKey) -> bool:
        """Whether the slot has a node, which has taken the orders that are meant."""
        node = self.placement.assigned.get(slot)
        if node is None or node not in self.nodes:
            return False
        picture, document = self.nodes[node]
        return picture.current is not None and has_taken(picture.current, document)

    def _failure(self, group: SlotGroup, slot: SlotKey, there: Iterable[ContainerView]) -> str:
        """Why the slot has failed, in words; empty: it hasn't."""
        if slot in self.placement.unplaced and not self.placement.may_pass:
            return f"{slot}: {self.placement.unplaced[slot]}"
        if not self._has_orders(slot):
            # What is wrong is wrong with what was there before, under the same name.
            return ""
        if slot in self.problems:
            node, problem = self.problems[slot]
            if problem.definite or (self.is_strict and problem.code in _FAILURES):
                return f"{problem.message} (node {node})"
        identity = fingerprint(group.spec)
        for each in there:
            current = each.current
            if self.is_strict and current.fingerprint == identity and current.fail_count:
                return f"container {current.name} has failed {current.fail_count} times (node {each.node})"
        return ""


def _told(reasons: Collection[str]) -> str:
    told = list(reasons)
    more = f" and {len(told) - _REASONS_MAX} more" if len(told) > _REASONS_MAX else ""
    return "; ".join(told[:_REASONS_MAX]) + more


def pulls_now(project: str, nodes: Nodes) -> tuple[Pulls, str]:
    """How far the nodes are with the images of a project's release, and what is wrong."""
    is_going, faults = False, dict[str, None]()
    for _, (picture, document) in sorted(nodes.items()):
        orders = {
            (slot.service, slot.prepares.spec, slot.prepares.version, slot.prepares.refresh)
            for slot in document.slots
            if slot.project == project and slot.prepares is not None
        }
        if not orders or not picture.is_trusted or picture.current is None:
            continue
        had = {
            (each.service, each.spec, each.version, each.refresh): each
            for each in picture.current.preparations
            if each.project == project
        }
        has_read = has_taken(picture.current, document)
        for order in orders:
            found = had.get(order)
            if has_read and found is not None and found.definite and not found.image_id:
                faults.setdefault(found.message)
            elif not has_read or found is None or not found.image_id:
                is_going = True
    if faults:
        return Pulls.FAILED, _told(faults)
    return (Pulls.GOING if is_going else Pulls.READY), ""


def updated_of(view: ProjectView, service: str, placement: Placement) -> tuple[int, int]:
    """Containers of the next version of a released service that are up, and how many it is to have."""
    groups = [
        group
        for alike in view.groups.values()
        for group in alike
        if group.is_next and group.key.service == service
    ]
    ahead = view.next.get(service)
    up = {
        each.current.key
        for each in (ahead.containers if ahead else ())
        for group in groups
        if each.fills_slot(group.record, fingerprint(group.spec))
    }
    return len(up), len(slots_of(view.record, placement)(service))


def nodes_of(
    names: Collection[str],
    known: Mapping[str, NodePicture],
    documents: Mapping[str, NodeDesired],
) -> Nodes:
    """The nodes with their documents, as far as they are known."""
    return {n: (known[n], documents[n]) for n in names if n in known and n in documents}
