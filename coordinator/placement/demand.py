"""Demand: which slots each service wants, and which of them stay where they are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from coordinator.placement.occupancy import Fleet, Footprint, ServiceKey, footprint
from coordinator.placement.order import Ranks
from schemas.names import SlotKey
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
    def together_with(self) -> tuple[ServiceKey, ...]:
        """The services whose containers must be on the same node."""
        return tuple((self.key[0], name) for name in self.template.placement.together_with)

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
        return bool(policy.together_with) or any(
            each.kind == "affinity" for each in policy.expressions
        )

    def slot(self, number: int) -> SlotKey:
        return SlotKey(*self.key, number)

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
    if project.desired_state is State.DELETED:
        return []
    return [
        Demand((project.name, name), record, footprint((project.name, name), record.template.spec))
        for name, record in sorted(project.services.items())
    ]


def settle(
    demand: Demand, fleet: Fleet, home: Callable[[SlotKey], str | None], *, frozen: bool
) -> None:
    """Let what can stay stay, and note what has to be placed. `home`: where a slot is so far."""
    if demand.template.is_global:
        for load in fleet.loads.values():
            slot = demand.slot(load.view.index)
            if home(slot) == load.view.name:
                demand.put(slot, load.view.name, fleet)
        return
    moves = demand.runs and demand.template.placement.reschedule and not frozen
    deserts = demand.mount_paths if demand.runs and not frozen else frozenset()
    for number in range(1, demand.record.scale + 1):
        slot = demand.slot(number)
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
