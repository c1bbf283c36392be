"""One service with its states, of one set: a part of the fold that `rollup` makes of a project. Pure.

What the five public words can't say (which node is silent, what is being waited for, what keeps
failing) is kept beside them as reasons.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator.releases.groups import SlotGroup
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.sightings import ContainerView, Sightings, doubt, wanted_slots
from schemas.current import SlotProblem
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import State

#: of one service: a broken image on every node of a large cluster is one thing, said a few times
REASONS_MAX = 20


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service with its states."""

    record: ServiceRecord
    current_state: State
    desired_state: State
    containers: tuple[ContainerView, ...] = ()
    #: every wanted slot is filled: what depends on this service may start
    is_up: bool = False
    #: exactly what is wanted is there, and nothing more
    is_settled: bool = False
    #: why it isn't what is wanted, in words, most important first
    reasons: tuple[str, ...] = ()
    #: those of the reasons that won't pass by themselves
    definite: tuple[str, ...] = ()

    @property
    def proof_s(self) -> float:
        """Seconds for which it must stay as it is before that proves something."""
        if self.desired_state is not State.RUNNING:
            return 0.0
        return max((each.proof_s for each in self.containers if not each.is_leftover), default=0.0)


@dataclass(frozen=True, slots=True)
class Situation:
    """What all services of a project have in common."""

    project: ProjectRecord
    placement: Placement
    nodes: Mapping[str, NodePicture]
    may_pass: bool


def service_view(
    situation: Situation,
    groups: Sequence[SlotGroup],
    assigned: Iterable[SlotKey],
    seen: Sightings,
) -> ServiceView:
    """One service on one side. Slots that are held wait for their turn, and count as missing."""
    placement, nodes = situation.placement, situation.nodes
    record = groups[0].record
    if record.desired_state is State.STOPPED:
        # One that ran when its node was last heard may run still, and nobody can be told to wait.
        may_run = any(container.current.running for container in seen.containers)
        state = State.STOPPING if may_run else State.STOPPED
        settled = not any(container.runs for container in seen.containers)
        return leaving_view(record, state, State.STOPPED, seen, nodes, settled=settled)
    known = tuple(assigned)
    wanted = tuple(key for group in groups for key in wanted_slots(group, known))
    identity = fingerprint(groups[0].spec)
    filled = {c.current.key for c in seen.containers if c.fills_slot(record, identity)}
    is_up = filled.issuperset(wanted)
    # What is on a node that can't be reached would hold up an operation for as long as that lasts.
    extra = any(
        not c.is_lost and (c.is_leftover or c.current.key not in wanted) for c in seen.containers
    )
    if not is_up:
        state = State.STARTING
    else:
        state = State.RUNNING if any(c.runs for c in seen.containers) else State.STOPPED
    unplaced = _unplaced(wanted, placement.unplaced)
    # A node that is only suspect is judged within seconds, and may take it then.
    may_pass = unplaced and situation.may_pass
    problems = tuple(_told(node, p) for node, p in seen.problems if p.definite)
    definite = problems if may_pass else (*unplaced, *problems)
    silent = _silence({placement.assigned.get(key, "") for key in wanted}, nodes)
    passing = tuple(_told(node, p) for node, p in seen.problems if not p.definite)
    troubled = {problem.key for _, problem in seen.problems}
    late = tuple(
        f"{c.current.name} {lack} (node {c.node})"
        for c in seen.containers
        if c.current.key in wanted and c.current.key not in filled | troubled
        if (lack := c.lack(record, identity))
    )
    return ServiceView(
        record,
        state,
        State.RUNNING,
        seen.containers,
        is_up=is_up,
        is_settled=is_up and not extra,
        reasons=few((*unplaced, *problems, *silent, *passing, *late)),
        definite=few(definite),
    )


def leaving_view(
    record: ServiceRecord,
    state: State,
    desired: State,
    seen: Sightings,
    nodes: Mapping[str, NodePicture],
    *,
    settled: bool,
) -> ServiceView:
    silent = _silence({container.node for container in seen.containers}, nodes)
    problems = tuple(_told(node, problem) for node, problem in seen.problems)
    reasons = few(silent if settled else (*silent, *problems))
    return ServiceView(record, state, desired, seen.containers, is_settled=settled, reasons=reasons)


def with_waits(view: ServiceView, services: Mapping[str, ServiceView]) -> ServiceView:
    if view.current_state is not State.STARTING or view.containers:
        return view
    waits = tuple(f"waits for {name}" for name in awaited(view.record, services))
    return replace(view, reasons=(*view.reasons, *waits))


def awaited(service: ServiceRecord, services: Mapping[str, ServiceView]) -> tuple[str, ...]:
    """The dependencies that must still come up, or come to their end where that is the condition.

    One that is meant to be stopped isn't awaited.
    """
    return tuple(
        name
        for name in service.template.depends_on
        if name in services
        and services[name].desired_state is State.RUNNING
        and not _is_fulfilled(service.template.conditions.get(name), services[name])
    )


def _is_fulfilled(condition: str | None, dependency: ServiceView) -> bool:
    if condition == "completed":
        return dependency.is_up and not any(each.runs for each in dependency.containers)
    return dependency.is_up


def _unplaced(wanted: Iterable[SlotKey], reasons: Mapping[SlotKey, str]) -> tuple[str, ...]:
    """Slots without a node, those with the same reason together: there may be thousands."""
    slots: dict[str, list[SlotKey]] = {}
    for key in wanted:
        if key in reasons:
            slots.setdefault(reasons[key], []).append(key)
    return tuple(
        f"{keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}"
        for reason, keys in slots.items()
    )


def few(reasons: Iterable[str]) -> tuple[str, ...]:
    """Each reason once, and no more than a reader and an answer have room for."""
    each = tuple(dict.fromkeys(reasons))
    left_out = len(each) - REASONS_MAX
    return (*each[:REASONS_MAX], f"and {left_out} more reasons") if left_out > 0 else each


def _told(node: str, problem: SlotProblem) -> str:
    return f"{problem.message} (node {node})"


def _silence(names: Iterable[str], nodes: Mapping[str, NodePicture]) -> tuple[str, ...]:
    """Why what these nodes said last may no longer be true."""
    doubts = ((name, doubt(nodes[name])) for name in sorted(names) if name in nodes)
    return tuple(f"node {name} {words}" for name, words in doubts if words)
