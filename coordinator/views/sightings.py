"""What nodes report of a project, sorted by service; and when a slot counts as filled.

A container on a node that is down, or whose engine is down, proves nothing: it is kept in view,
marked stale, and fills no slot.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from coordinator.releases.groups import SlotGroup
from coordinator.releases.sensing import PROOF_S, STEADY_S
from coordinator.store.indexes import Report
from coordinator.store.nodes import NodePicture
from schemas.current import ContainerCurrent, NodeCurrent, SlotProblem
from schemas.names import ServiceKey, SlotKey
from schemas.release import ServiceRecord
from schemas.states import EngineState, Health, NodeState


def doubt(node: NodePicture) -> str:
    """Why what a node said last may not be so, or not stay so; completes "node n1 ..."."""
    current = node.current
    if node.state is not NodeState.READY:
        return f"is {node.state.value}{_silence(node)}"
    if current is None:
        return "has not reported yet"
    orders = _doubt_about_orders(node, current)
    if orders or current.engine.state is EngineState.READY:
        return orders
    why = f": {current.engine.reason}" if current.engine.reason else ""
    return f"has an engine that is {current.engine.state.value}{why}"


def _silence(node: NodePicture) -> str:
    if not node.is_silent:
        return ": it is heard, and takes nothing new yet"
    # A time, not an age: the words are kept for as long as nothing changes.
    return f", silent since {node.silent_since}" if node.silent_since else ", not heard so far"


def _doubt_about_orders(node: NodePicture, current: NodeCurrent) -> str:
    if node.refused_because:
        return f"keeps its old orders: {node.refused_because}"
    if current.refusal:
        return f"refuses its orders: {current.refusal}"
    return f"has not taken its orders since {node.behind_since}" if node.behind_since else ""


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container and the node it is on."""

    current: ContainerCurrent
    node: str
    address: str
    #: this is how it was when last heard; it may be different by now
    is_stale: bool = False
    #: its node is down, or its engine is
    is_lost: bool = False
    #: the slot is not placed on this node (any more)
    is_leftover: bool = False
    #: its newest lines, where its node tells of a problem
    log_tail: tuple[str, ...] = ()

    @property
    def runs(self) -> bool:
        return self.current.running and not self.is_lost

    @property
    def proof_s(self) -> float:
        """Seconds for which it has to run before that proves something. No check says it sooner."""
        if not self.runs or self.current.health is not Health.NONE:
            return 0.0
        return STEADY_S if self.current.fail_count else PROOF_S

    def fills_slot(self, service: ServiceRecord, fingerprint: str) -> bool:
        """Whether it is what the spec with this fingerprint asks for, and healthy."""
        current = self.current
        if self.is_leftover or self.is_lost or current.fingerprint != fingerprint:
            return False
        if is_completed(current, service):
            return True
        return current.status == "running" and not self.lack(service, fingerprint)

    def lack(self, service: ServiceRecord, fingerprint: str) -> str:
        """Why, though it runs, it isn't what is wanted; completes "shop_web_1 ..."."""
        current = self.current
        if not current.running or self.is_leftover or self.is_lost:
            return ""
        # One that is being stopped is on its way out, whatever has been asked since.
        if current.stopping:
            return "is being stopped"
        if current.fingerprint != fingerprint:
            return "is of an older definition"
        if current.health is Health.FAILURE:
            return f"fails its {'probe' if service.template.spec.probe else 'health check'}"
        if current.health is Health.STARTING:
            return "is not healthy yet"
        return "" if current.status == "running" else f"is {current.status}"


@dataclass(frozen=True, slots=True)
class Sightings:
    """What all nodes report of one service, or of some of its slots."""

    containers: tuple[ContainerView, ...] = ()
    #: with the node that has it
    problems: tuple[tuple[str, SlotProblem], ...] = ()

    def of(self, slots: Callable[[int], bool]) -> "Sightings":
        """Only of those slots."""
        return Sightings(
            tuple(each for each in self.containers if slots(each.current.slot)),
            tuple((node, each) for node, each in self.problems if slots(each.slot)),
        )


def sightings(
    assigned: Mapping[SlotKey, str], seen: Iterable[tuple[NodePicture, Report]]
) -> dict[ServiceKey, Sightings]:
    """What nodes report of one project, by service."""
    containers: dict[ServiceKey, list[ContainerView]] = {}
    problems: dict[ServiceKey, list[tuple[str, SlotProblem]]] = {}
    for node, report in sorted(seen, key=lambda each: (each[0].index, each[0].name)):
        if node.current is None:
            continue
        lost = not node.is_trusted
        stale = node.is_silent or node.current.engine.state is not EngineState.READY
        tails = {problem.key: problem.log_tail for problem in report.problems}
        for container in report.containers:
            view = ContainerView(
                current=container,
                node=node.name,
                address=node.current.address,
                is_stale=stale,
                is_lost=lost,
                is_leftover=assigned.get(container.key) != node.name,
                log_tail=tails.get(container.key, ()),
            )
            containers.setdefault(container.key.service_key, []).append(view)
        for problem in report.problems:
            if not lost and assigned.get(problem.key) == node.name:
                problems.setdefault(problem.key.service_key, []).append((node.name, problem))
    return {
        name: Sightings(tuple(containers.get(name, ())), tuple(problems.get(name, ())))
        for name in containers.keys() | problems.keys()
    }


def wanted_slots(group: SlotGroup, assigned: Iterable[SlotKey]) -> tuple[SlotKey, ...]:
    """The slots that a group should fill: all of them, or, if global, one on each of its nodes.

    `assigned`: those of its service that have a node, or should have one.
    """
    if group.record.template.is_global:
        return tuple(sorted(key for key in assigned if group.has(key.slot)))
    return tuple(group.slots())


def is_completed(container: ContainerCurrent, service: ServiceRecord) -> bool:
    """Whether this is a run-once container that has ended well."""
    return (
        service.template.spec.restart.policy in {"no", "on-failure"}
        and container.status == "exited"
        and container.exit_code == 0
    )
