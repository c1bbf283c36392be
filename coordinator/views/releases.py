"""What is seen of a release: its batches, its images, its slots. Pure.

A container proves something only when its node has taken the orders that are meant: until then what
runs is what was there before.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from coordinator.releases.groups import SlotGroup
from coordinator.releases.rollouts import Change, SlotsOf, changes_of, is_backwards
from coordinator.releases.sensing import Pulls
from coordinator.store.nodes import NodePicture, Position, has_reached
from coordinator.store.placements import Placement
from coordinator.views.rollup import ProjectView
from coordinator.views.services import ServiceView
from coordinator.views.sightings import ContainerView, doubt, wanted_slots
from schemas.current import NodeCurrent, SlotProblem
from schemas.desired import NodeDesired
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from schemas.states import NodeState, State

#: what a container suffers that counts as a failure of an update at once
_FAILURES = frozenset({"crashed", "unhealthy"})
#: reasons that are told of one batch
_REASONS_MAX = 3


@dataclass(frozen=True, slots=True)
class OrderedNode:
    """A node, its document, and from which one on its orders are those that are meant.

    Documents change for other reasons too: what a node says stays true when its next one is under way.
    """

    picture: NodePicture
    document: NodeDesired
    since: Position


Nodes = Mapping[str, OrderedNode]


@dataclass(frozen=True, slots=True)
class BatchNow:
    """The slots of one service that have gone over so far, or are back, at this moment."""

    total: int
    missing: int = 0
    #: those of the missing ones whose containers are right, but whose nodes don't know it yet
    unheard: int = 0
    failed: int = 0
    failed_missing: int = 0
    leaving: int = 0
    why: str = ""
    #: those that are not waited for, because their nodes are down
    left_behind: int = 0
    #: those whose containers are up
    up: int = 0
    #: seconds for which those have to run before that proves something
    proof_s: float = 0.0


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
        for name, node in nodes.items()
        for problem in (node.picture.current.problems if node.picture.current else ())
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
            is_refreshed=_is_refreshed(change),
        )
        groups = [
            group
            for alike in view.groups.values()
            for group in alike
            if group.key.service == name and group.is_next is not is_back and not group.is_held
        ]
        side = view.current if is_back else view.next
        now = look.at(groups, side.get(name), total=len(numbers(name)))
        leaving = _leaving(view.record.name, change, nodes, is_back=is_back)
        found[name] = replace(now, leaving=leaving) if leaving else now
    return found


def _is_refreshed(change: Change) -> bool:
    """Whether only an image may have changed, which no definition shows."""
    old, new = change.old, change.new
    if old is None or not change.is_in_place or new.refresh == old.refresh:
        return False
    return fingerprint(old.template.spec) == fingerprint(new.template.spec)


def _leaving(project: str, change: Change, nodes: Nodes, *, is_back: bool) -> int:
    """The containers whose place others have taken, side by side with them, and that still run."""
    of, rollout = (change.new if is_back else change.old), change.rollout
    if of is None or not change.is_beside:
        return 0
    return sum(
        each.running
        and each.key.service_key == (project, change.name, of.set_name)
        and (each.slot > rollout.begun if is_back else each.slot <= rollout.replaced)
        for node in nodes.values()
        if node.picture.current is not None and node.picture.state is not NodeState.DOWN
        for each in node.picture.current.containers
    )


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
        missing = unheard = failed = failed_missing = left_behind = up = 0
        proof_s = 0.0
        reasons: dict[str, None] = {}
        containers: dict[SlotKey, list[ContainerView]] = {}
        for container in service.containers if service else ():
            containers.setdefault(container.current.key, []).append(container)
        for group in groups:
            if group.record.desired_state is State.STOPPED:
                # Nothing is to run, so nothing is waited for.
                continue
            for slot in self._wanted(group):
                if self._is_down(slot):
                    left_behind += 1
                    continue
                there = containers.get(slot, [])
                is_right = self._is_right(group, there)
                is_missing = not (is_right and self._is_known(slot))
                why = self._failure(group, slot, there)
                missing += is_missing
                up += not is_missing
                proof_s = max((proof_s, *(each.proof_s for each in there)))
                unheard += is_right and self._newest(slot) is None
                failed += bool(why)
                failed_missing += bool(why) and is_missing
                if why:
                    reasons.setdefault(why)
        told = dict.fromkeys(service.reasons if service else ())
        why = _told(reasons) or _told(told) or f"{missing} of {total} containers are not up"
        return BatchNow(
            *(total, missing, unheard, failed, failed_missing),
            why=why,
            left_behind=left_behind,
            up=up,
            proof_s=proof_s,
        )

    def _wanted(self, group: SlotGroup) -> Iterable[SlotKey]:
        known = (*self.placement.assigned, *self.placement.unplaced)
        return wanted_slots(group, (key for key in known if key.service_key == group.key))

    def _is_down(self, slot: SlotKey) -> bool:
        """Whether its node is down: it follows when that is back, and holds up no others."""
        node = self.placement.assigned.get(slot)
        if node is None:
            return False
        return node not in self.nodes or self.nodes[node].picture.state is NodeState.DOWN

    def _newest(self, slot: SlotKey) -> NodeCurrent | None:
        """What the slot's node says, if that is about the orders that are meant: before, it isn't."""
        node = self.placement.assigned.get(slot)
        if node is None or node not in self.nodes:
            return None
        current = self.nodes[node].picture.current
        return current if current and has_reached(current, self.nodes[node].since) else None

    def _is_known(self, slot: SlotKey) -> bool:
        """Whether its container proves something."""
        current = self._newest(slot)
        return current is not None and (current.settled or not self.is_refreshed)

    def _is_right(self, group: SlotGroup, there: Iterable[ContainerView]) -> bool:
        identity = fingerprint(group.spec)
        return any(each.fills_slot(group.record, identity) for each in there)

    def _failure(self, group: SlotGroup, slot: SlotKey, there: Iterable[ContainerView]) -> str:
        """Why the slot has failed, in words; empty: it hasn't."""
        if slot in self.placement.unplaced and not self.placement.may_pass:
            return f"{slot}: {self.placement.unplaced[slot]}"
        if self._newest(slot) is None:
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
    for name, node in sorted(nodes.items()):
        picture, document = node.picture, node.document
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
        has_read = has_reached(picture.current, node.since)
        if not has_read and (picture.refused_because or picture.current.refusal):
            # It works on older orders until somebody mends what is wrong with these.
            faults.setdefault(f"node {name} {doubt(picture)}")
        for order in orders:
            found = had.get(order)
            if has_read and found is None:
                faults.setdefault(
                    f"node {name} says nothing of its images: its agent is older than this coordinator"
                )
            elif has_read and found is not None and found.definite and not found.image_id:
                faults.setdefault(found.message)
            elif not has_read or found is None or not found.image_id:
                is_going = True
    if faults:
        return Pulls.FAILED, _told(faults)
    return (Pulls.GOING if is_going else Pulls.READY), ""
