"""Demand: which slots each service wants, and which of them stay where they are."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from coordinator.placement.occupancy import Fleet, Footprint, NodeLoad, footprint
from coordinator.placement.order import Ranks
from coordinator.releases.groups import SlotGroup, set_of, slot_groups
from schemas.names import ServiceKey, SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.states import NodeState, State
from schemas.template import ServiceTemplate


@dataclass(slots=True)
class Demand:
    """One service, and what has become of its slots so far."""

    key: ServiceKey
    record: ServiceRecord
    taken: Footprint
    #: its slots from one number to another; of a global service, node indices
    spans: tuple[tuple[int, int], ...]
    #: the services whose containers must be on the same node
    together_with: tuple[ServiceKey, ...] = ()
    #: the same service of another set: where a slot of its has been, that of the same number goes
    beside: tuple[ServiceKey, ...] = ()
    #: slots that have a node
    assigned: dict[SlotKey, str] = field(default_factory=dict)
    #: slots still to be placed, lowest first; a global service's depend on the nodes
    pending: list[SlotKey] = field(default_factory=list)
    #: where slots to be placed elsewhere are now
    leaving: dict[SlotKey, str] = field(default_factory=dict)

    @property
    def template(self) -> ServiceTemplate:
        return self.record.template

    @property
    def runs(self) -> bool:
        """Whether the service gets new containers: a stopped one only keeps those it has."""
        return self.record.desired_state is State.RUNNING

    @property
    def mount_paths(self) -> frozenset[str]:
        """Of the shared volumes that every container of the service uses."""
        return self.template.spec.shared_mounts

    @property
    def follows_others(self) -> bool:
        """Whether placing something else can make room for this: it wants company."""
        policy = self.template.placement
        return bool(policy.together_with) or any(
            each.kind == "affinity" and not each.negated for each in policy.expressions
        )

    @property
    def looks_at_others(self) -> bool:
        """Whether what stands on a node, beside what it takes there, decides for or against it."""
        policy = self.template.placement
        return (
            bool(policy.together_with)
            or bool(self.beside)
            or any(each.kind == "affinity" for each in policy.expressions)
        )

    def slot(self, number: int) -> SlotKey:
        project, service, set_name = self.key
        return SlotKey(project, service, number, set_name)

    def slots(self) -> Iterator[SlotKey]:
        """Of a service that is not global."""
        return (
            self.slot(number) for first, last in self.spans for number in range(first, last + 1)
        )

    def may_have(self, load: NodeLoad) -> bool:
        """Whether a slot of a global service is wanted on this node."""
        return any(first <= load.view.index <= last for first, last in self.spans)

    def is_as(self, other: "Demand") -> bool:
        """Whether it wants the same, as far as it can be told at once."""
        return (
            self.record is other.record
            and self.spans == other.spans
            and self.together_with == other.together_with
            and self.beside == other.beside
        )

    def put(self, slot: SlotKey, node: str, fleet: Fleet) -> None:
        """Let the slot stand on a node."""
        self.assigned[slot] = node
        fleet.add(slot, node, self.taken)


def demands(projects: Iterable[ProjectRecord]) -> list[Demand]:
    """What every service of the projects wants, in the order to place it."""
    found = {project.name: demands_of(project) for project in projects}
    every = [demand for of_project in found.values() for demand in of_project]
    ranks = Ranks()
    for demand in every:
        ranks.refer(demand.key[0], demand.template)
    ranked = {
        key: rank
        for project in ranks.first_of_components()
        for key, rank in ranks.of_component(project, found.__getitem__).items()
    }
    return sorted(every, key=lambda demand: ranked[demand.key])


def demands_of(project: ProjectRecord) -> list[Demand]:
    """What the services of one project want; nothing, of one that is deleted."""
    groups: dict[ServiceKey, list[SlotGroup]] = {}
    for group in slot_groups(project):
        if not group.is_empty:
            groups.setdefault(group.key, []).append(group)
    return [_demand(project, key, alike, groups) for key, alike in sorted(groups.items())]


def _demand(
    project: ProjectRecord,
    key: ServiceKey,
    alike: Sequence[SlotGroup],
    groups: Collection[ServiceKey],
) -> Demand:
    """One demand for slots of one set, also where some of them are of an older template."""
    newest = alike[-1]
    names = newest.record.template.placement.together_with
    partners = (
        ServiceKey(key.project, name, set_of(project, name, is_next=newest.is_next))
        for name in names
    )
    return Demand(
        key,
        newest.record,
        footprint(key, newest.record.template.spec),
        spans=tuple(sorted((group.first, group.last) for group in alike)),
        together_with=tuple(partners),
        beside=tuple(
            sorted(each for each in groups if each.service == key.service and each != key)
        ),
    )


def settle(
    demand: Demand, fleet: Fleet, home: Callable[[SlotKey], str | None], *, frozen: bool
) -> None:
    """Let what can stay stay, and note what has to be placed. `home`: where a slot is so far."""
    if demand.template.is_global:
        for load in fleet.loads.values():
            slot = demand.slot(load.view.index)
            if demand.may_have(load) and home(slot) == load.view.name:
                demand.put(slot, load.view.name, fleet)
        return
    moves = demand.runs and demand.template.placement.reschedule and not frozen
    deserts = demand.mount_paths if demand.runs and not frozen else frozenset()
    for slot in demand.slots():
        held = fleet.loads.get(home(slot) or "")
        if held is None:
            if demand.runs:
                demand.pending.append(slot)
        elif (moves and held.view.state is NodeState.DOWN) or (
            deserts and held.view.deserted_mounts & deserts
        ):
            demand.pending.append(slot)
            demand.leaving[slot] = held.view.name
        else:
            demand.put(slot, held.view.name, fleet)
