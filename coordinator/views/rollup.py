"""Containers to service to project: `roll_up`, a pure fold.

The five public words say how far a service is from what is wanted. Everything they can't say
(which node is silent, what is being waited for, what keeps failing) is kept beside them as reasons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from coordinator.store.indexes import Report, reports_by_project
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.sightings import (
    ContainerView,
    Sightings,
    doubt,
    sightings,
    wanted_slots,
)
from schemas.current import SlotProblem
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import NodeState, State

__all__ = ["ContainerView", "NodePicture", "ProjectView", "ServiceView", "roll_up"]

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


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its states and services, services by name."""

    record: ProjectRecord
    current_state: State
    desired_state: State
    services: Mapping[str, ServiceView] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    #: what is wrong with its record: lost, unreadable or rolled_back; empty: nothing
    record_state: str = ""


def roll_up(
    projects: Iterable[ProjectRecord], placement: Placement, nodes: Iterable[NodePicture]
) -> dict[str, ProjectView]:
    """Every project that is not gone, with its states, by name."""
    known = {node.name: node for node in nodes}
    reports = [(node, reports_by_project(node.current)) for node in known.values()]
    may_pass = any(node.state is NodeState.SUSPECT for node in known.values())
    return {
        project.name: view_of(
            project,
            _of_project(project.name, placement),
            [(node, report[project.name]) for node, report in reports if project.name in report],
            known,
            may_pass=may_pass,
        )
        for project in sorted(projects, key=lambda each: each.name)
        if not project.is_gone
    }


def view_of(
    project: ProjectRecord,
    placement: Placement,
    seen: Iterable[tuple[NodePicture, Report]],
    nodes: Mapping[str, NodePicture],
    *,
    may_pass: bool,
) -> ProjectView:
    """One project, with its part of the placement and what nodes report of it.

    `may_pass`: a node is only suspect, so that what has no place may have one soon.
    """
    found = sightings(placement.assigned, seen)
    slots: dict[str, set[SlotKey]] = {}
    for key in (*placement.assigned, *placement.unplaced):
        slots.setdefault(key.service, set()).add(key)
    situation = _Situation(project, placement, nodes, may_pass)
    services = {
        name: _service(
            situation,
            name,
            wanted_slots(project, name, slots.get(name, ())),
            found.get(name, Sightings()),
        )
        for name in sorted(project.services)
    }
    return _project(project, services)


@dataclass(frozen=True, slots=True)
class _Situation:
    """What all services of a project have in common."""

    project: ProjectRecord
    placement: Placement
    nodes: Mapping[str, NodePicture]
    may_pass: bool


def _of_project(name: str, placement: Placement) -> Placement:
    return Placement(
        {slot: node for slot, node in placement.assigned.items() if slot.project == name},
        {slot: reason for slot, reason in placement.unplaced.items() if slot.project == name},
    )


def _service(
    situation: _Situation, name: str, wanted: tuple[SlotKey, ...], seen: Sightings
) -> ServiceView:
    project, placement, nodes = situation.project, situation.placement, situation.nodes
    record = project.services[name]
    if project.desired_state is State.DELETED:
        left = seen.containers
        state = State.STOPPING if left else State.DELETED
        return _leaving(record, state, State.DELETED, seen, nodes, settled=not left)
    if record.desired_state is State.STOPPED:
        # One that ran when its node was last heard may run still, and nobody can be told to wait.
        may_run = any(container.current.running for container in seen.containers)
        state = State.STOPPING if may_run else State.STOPPED
        settled = not any(container.runs for container in seen.containers)
        return _leaving(record, state, State.STOPPED, seen, nodes, settled=settled)
    identity = fingerprint(record.template.spec)
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
        reasons=_few((*unplaced, *problems, *silent, *passing, *late)),
        definite=_few(definite),
    )


def _leaving(
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
    reasons = _few(silent if settled else (*silent, *problems))
    return ServiceView(record, state, desired, seen.containers, is_settled=settled, reasons=reasons)


def _project(project: ProjectRecord, services: dict[str, ServiceView]) -> ProjectView:
    services = {name: _with_waits(view, services) for name, view in services.items()}
    reasons = tuple(
        f"{name}: {reason}" for name, view in services.items() for reason in view.reasons
    )
    desired = State(project.desired_state)
    state = _project_state(desired, services.values())
    return ProjectView(project, state, desired, services, reasons)


def _project_state(desired: State, services: Iterable[ServiceView]) -> State:
    """All there: running or stopped. Otherwise the transition that is under way."""
    states = {view.current_state for view in services}
    if desired is State.DELETED:
        return State.STOPPING
    if State.STARTING in states:
        return State.STARTING
    if State.STOPPING in states:
        return State.STOPPING
    return State.RUNNING if State.RUNNING in states else State.STOPPED


def _with_waits(view: ServiceView, services: Mapping[str, ServiceView]) -> ServiceView:
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


def _few(reasons: Iterable[str]) -> tuple[str, ...]:
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
