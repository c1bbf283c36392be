"""Containers to service to project: `roll_up`, a pure fold.

The five public words say how far a service is from what is wanted. Everything they can't say
(which node is silent, what is being waited for, what keeps failing) is kept beside them as reasons.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from coordinator.releases.groups import SlotGroup, slot_groups
from coordinator.store.indexes import Report, reports_by_project
from coordinator.store.nodes import NodePicture
from coordinator.store.placements import Placement
from coordinator.views.services import (
    ServiceView,
    Situation,
    awaited,
    few,
    leaving_view,
    service_view,
    with_waits,
)
from coordinator.views.sightings import (
    ContainerView,
    Sightings,
    sightings,
)
from schemas.names import ServiceKey, SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseState
from schemas.states import NodeState, State

__all__ = ["ContainerView", "NodePicture", "ProjectView", "ServiceView", "awaited", "roll_up"]

_UNSEEN = Sightings()
#: A project is as far as the least far of its services.
_WORST_FIRST = (State.STARTING, State.STOPPING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its states and services, services by name."""

    record: ProjectRecord
    current_state: State
    desired_state: State
    #: as they are shown: of a service that is being released, both sets together
    services: Mapping[str, ServiceView] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    #: what is wrong with its record: lost, unreadable or rolled_back; empty: nothing
    record_state: str = ""
    #: the services of the current set, and of the next one those that a release changes or adds
    current: Mapping[str, ServiceView] = field(default_factory=dict)
    next: Mapping[str, ServiceView] = field(default_factory=dict)
    groups: Mapping[ServiceKey, tuple[SlotGroup, ...]] = field(default_factory=dict)
    #: containers of sets that are not the project's any more, until they are gone
    retired: tuple[ContainerView, ...] = ()

    def group_of(self, slot: SlotKey) -> SlotGroup | None:
        """The group that wants the slot; None: no group does."""
        of_service = self.groups.get(slot.service_key, ())
        return next((group for group in of_service if group.has(slot.slot)), None)

    def side(self, *, is_next: bool) -> Mapping[str, ServiceView]:
        """The services as those of one set see each other."""
        return {**self.current, **self.next} if is_next and self.next else self.current


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
    situation = Situation(project, placement, nodes, may_pass)
    if project.desired_state is State.DELETED:
        return _deleted(situation, found)
    groups: dict[ServiceKey, tuple[SlotGroup, ...]] = {}
    for group in slot_groups(project):
        groups[group.key] = (*groups.get(group.key, ()), group)
    slots: dict[ServiceKey, set[SlotKey]] = {}
    for key in (*placement.assigned, *placement.unplaced):
        slots.setdefault(key.service_key, set()).add(key)
    current: dict[str, ServiceView] = {}
    ahead: dict[str, ServiceView] = {}
    for of_service, alike in groups.items():
        there, assigned = found.get(of_service, _UNSEEN), slots.get(of_service, set())
        for is_next, side in ((False, current), (True, ahead)):
            own = [group for group in alike if group.is_next is is_next]
            if own:
                mine = there if len(own) == len(alike) else there.of(_slots_of(own, alike))
                side[of_service.service] = service_view(situation, own, assigned, mine)
    retired = (each for key, one in found.items() if key not in groups for each in one.containers)
    return _project(
        *(project, dict(sorted(current.items())), dict(sorted(ahead.items()))),
        groups=groups,
        retired=tuple(retired),
    )


def _slots_of(own: Sequence[SlotGroup], alike: Sequence[SlotGroup]) -> Callable[[int], bool]:
    """The slots of a service that belong to one side; one that nobody wants is the current one's."""
    is_current = not own[0].is_next

    def belongs(slot: int) -> bool:
        owner = next((group for group in alike if group.has(slot)), None)
        return owner in own if owner is not None else is_current

    return belongs


def _deleted(situation: Situation, found: Mapping[ServiceKey, Sightings]) -> ProjectView:
    """A project that is on its way out; of a release, both sets are."""
    services: dict[str, ServiceView] = {}
    for name, record in sorted(situation.project.services.items()):
        of_service = [each for key, each in found.items() if key.service == name]
        seen = Sightings(
            tuple(one for each in of_service for one in each.containers),
            tuple(one for each in of_service for one in each.problems),
        )
        left = seen.containers
        state = State.STOPPING if left else State.DELETED
        services[name] = leaving_view(
            *(record, state, State.DELETED, seen, situation.nodes), settled=not left
        )
    return _project(situation.project, services, {})


def _of_project(name: str, placement: Placement) -> Placement:
    return Placement(
        {slot: node for slot, node in placement.assigned.items() if slot.project == name},
        {slot: reason for slot, reason in placement.unplaced.items() if slot.project == name},
    )


def _project(
    project: ProjectRecord,
    current: dict[str, ServiceView],
    ahead: dict[str, ServiceView],
    *,
    groups: Mapping[ServiceKey, tuple[SlotGroup, ...]] = MappingProxyType({}),
    retired: tuple[ContainerView, ...] = (),
) -> ProjectView:
    current = {name: with_waits(view, current) for name, view in current.items()}
    services = current
    if ahead:
        beside = {**current, **ahead}
        ahead = {name: with_waits(view, beside) for name, view in ahead.items()}
        services = {name: _both(current.get(name), ahead.get(name)) for name in sorted(beside)}
    reasons = [f"{name}: {reason}" for name, view in services.items() for reason in view.reasons]
    if project.release is not None and project.release.message:
        reasons.insert(0, project.release.message)
    desired = State(project.desired_state)
    state = _project_state(desired, services.values())
    if state is State.RUNNING and is_under_way(project):
        # Everything may be up between two batches.
        state = State.STARTING
    return ProjectView(
        *(project, state, desired, services, tuple(reasons)),
        current=current,
        next=ahead,
        groups=groups,
        retired=retired,
    )


def is_under_way(project: ProjectRecord) -> bool:
    """Whether a release is on its way, and not only waiting for its confirmation."""
    release = project.release
    return release is not None and release.state is not ReleaseState.AWAITING_CONFIRMATION


def _both(current: ServiceView | None, ahead: ServiceView | None) -> ServiceView:
    """A service of which slots of two sets exist, as one; its record is the current one."""
    if current is None or ahead is None:
        return next(each for each in (current, ahead) if each is not None)
    sides = [each for each in (current, ahead) if each.containers or not each.is_up] or [ahead]
    states = {each.current_state for each in sides}
    state = next((each for each in _WORST_FIRST if each in states), State.STOPPED)
    return replace(
        current,
        current_state=state,
        desired_state=ahead.desired_state,
        containers=(*current.containers, *ahead.containers),
        is_up=current.is_up and ahead.is_up,
        is_settled=current.is_settled and ahead.is_settled,
        reasons=few((*ahead.reasons, *current.reasons)),
        definite=few((*ahead.definite, *current.definite)),
    )


def _project_state(desired: State, services: Iterable[ServiceView]) -> State:
    """All there: running or stopped. Otherwise the transition that is under way."""
    if desired is State.DELETED:
        return State.STOPPING
    states = {view.current_state for view in services}
    return next((each for each in _WORST_FIRST if each in states), State.STOPPED)
