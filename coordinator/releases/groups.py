"""`slot_groups`: the slots that a project wants, those alike together. Pure.

Without a release every service is one group. While it is released, a service has slots of the
current set and of the next one, and its rollout says where one ends and the other begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from coordinator.releases.networks import joins_of
from coordinator.releases.specs import Surroundings, resolved
from schemas.names import ServiceKey, SlotKey
from schemas.records import ProjectRecord
from schemas.release import Release, ReleaseKind, ReleaseState, ServiceRecord, ServiceSet
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.states import State

#: the last slot of a global service: its slots are node indices
EVERY = 2**31 - 1

#: states in which nodes are to have the images of what comes next
_PREPARING = frozenset(
    {
        ReleaseState.PULLING,
        ReleaseState.PULL_FAILED,
        ReleaseState.UPDATING,
        ReleaseState.PAUSED,
    }
)
_GOING_BACK = frozenset({ReleaseState.ROLLING_BACK, ReleaseState.ROLLBACK_PAUSED})


@dataclass(frozen=True, slots=True)
class SlotGroup:
    """Slots `first` to `last` of a service, which all want the same."""

    key: ServiceKey
    record: ServiceRecord
    #: the template's, with the names of its set
    spec: ServiceSpec
    #: of the project, for the containers' label
    version: str
    first: int
    last: int
    #: of the set that a release goes to
    is_next: bool = False
    #: its slots have their places, and get their images; no container is made yet
    is_held: bool = False
    #: what these slots will be next; their nodes get its image
    prepares: "SlotGroup | None" = None
    #: networks of other sets that their containers are in as well
    joins: tuple[NetworkAttachment, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self.last < self.first

    def has(self, slot: int) -> bool:
        return self.first <= slot <= self.last

    def slots(self) -> Iterator[SlotKey]:
        """Of a service that is not global."""
        project, service, set_name = self.key
        return (SlotKey(project, service, n, set_name) for n in range(self.first, self.last + 1))


def slot_groups(project: ProjectRecord) -> tuple[SlotGroup, ...]:
    """The groups of a project, those of its current set first; none, of one that is deleted."""
    if project.desired_state is State.DELETED:
        return ()
    release = project.release
    if release is None:
        return tuple(_group(project, project, service) for service in project.services.values())
    groups = [
        _group(project, project, service)
        for name, service in project.services.items()
        if name not in release.rollouts
    ]
    for name in release.rollouts:
        groups += _released(project, release, name)
    return (*(g for g in groups if not g.is_next), *(g for g in groups if g.is_next))


def last_slot(service: ServiceRecord) -> int:
    """The highest number that a slot of the service may have."""
    return EVERY if service.template.is_global else service.scale


def set_of(project: ProjectRecord, name: str, *, is_next: bool) -> str:
    """The set of a service, as services of the current or of the next set see it."""
    service = _seen(project, name, is_next=is_next)
    return service.set_name if service else ""


def own_networks(of: ServiceSet) -> frozenset[str]:
    """The networks that are made for a set, as the first set calls them."""
    return frozenset(network.name for network in of.networks)


def _seen(project: ProjectRecord, name: str, *, is_next: bool) -> ServiceRecord | None:
    release = project.release
    if is_next and release is not None and name in release.rollouts:
        return release.target.services.get(name)
    return project.services.get(name)


def _released(project: ProjectRecord, release: Release, name: str) -> Iterator[SlotGroup]:
    """The groups of a service that the release changes or adds."""
    rollout, new = release.rollouts[name], release.target.services[name]
    old, end = project.services.get(name), last_slot(new)
    begun = min(rollout.begun, end)
    next_one = _group(project, release.target, new, last=begun, is_next=True)
    is_in_place = old is not None and old.set_name == new.set_name
    kept_until = 0
    if old is not None:
        kept_until = last_slot(old)
        yield _group(
            *(project, project, old),
            first=(begun if is_in_place else rollout.replaced) + 1,
            prepares=next_one if release.state in _PREPARING else None,
        )
    if begun:
        yield next_one
    # Slots that nothing stands for yet wait for their turn where they will be. Of a rolling update
    # with both side by side, the others go where their predecessors are when their turn comes.
    is_beside = release.kind is ReleaseKind.BLUE_GREEN or old is None
    held_from = max(begun, 0 if is_beside else kept_until) + 1
    if held_from <= end and release.state not in _GOING_BACK:
        held = _group(
            project, release.target, new, first=held_from, last=end, is_next=True, is_held=True
        )
        yield held


def _group(
    project: ProjectRecord,
    of: ServiceSet,
    service: ServiceRecord,
    *,
    first: int = 1,
    last: int | None = None,
    is_next: bool = False,
    is_held: bool = False,
    prepares: SlotGroup | None = None,
) -> SlotGroup:
    around = Surroundings(
        project.name,
        lambda name: set_of(project, name, is_next=is_next),
        own_networks(of) if service.network_set else frozenset(),
        service.network_set,
    )
    return SlotGroup(
        key=ServiceKey(project.name, service.template.name, service.set_name),
        record=service,
        spec=resolved(service.template.spec, around),
        version=of.version,
        first=first,
        last=last_slot(service) if last is None else last,
        is_next=is_next,
        is_held=is_held,
        prepares=prepares,
        joins=joins_of(project, service, is_next=is_next),
    )
