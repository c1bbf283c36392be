"""Demand: which slots each service wants, which of them stay, and in what order to place services.

A service comes after those it depends on, must sit with, or wants to be near to, so that it finds
them placed; between others, global services come first, because they have no choice of node.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from coordinator.placement.occupancy import Fleet, Footprint, ServiceKey, footprint
from schemas.names import SlotKey, split_service_id
from schemas.records import ProjectRecord, ServiceRecord, ServiceTemplate
from schemas.service import ServiceSpec
from schemas.states import NodeState, State


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
        return shared_mounts(self.template.spec)

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

    def slot(self, number: int) -> SlotKey:
        return SlotKey(*self.key, number)

    def put(self, slot: SlotKey, node: str, fleet: Fleet) -> None:
        """Let the slot stand on a node."""
        self.assigned[slot] = node
        fleet.add(slot, node, self.taken)


def shared_mounts(spec: ServiceSpec) -> frozenset[str]:
    """The mount paths of the shared volumes that a container uses."""
    return frozenset(mount.source for mount in spec.volumes if mount.type == "cluster")


def demands(projects: Iterable[ProjectRecord]) -> list[Demand]:
    """What every service of the projects wants, in the order to place it."""
    found: dict[ServiceKey, Demand] = {}
    for project in sorted(projects, key=lambda project: project.name):
        if project.desired_state is State.DELETED:
            continue
        for name, record in sorted(project.services.items()):
            key = (project.name, name)
            found[key] = Demand(key, record, footprint(key, record.template.spec))
    return _in_order(found)


def settle(demand: Demand, fleet: Fleet, previous: Mapping[SlotKey, str], *, frozen: bool) -> None:
    """Let what can stay stay, and note what has to be placed."""
    if demand.template.is_global:
        for load in fleet.loads.values():
            slot = demand.slot(load.view.index)
            if previous.get(slot) == load.view.name:
                demand.put(slot, load.view.name, fleet)
        return
    moves = demand.runs and demand.template.placement.reschedule and not frozen
    deserts = demand.mount_paths if demand.runs and not frozen else frozenset()
    for number in range(1, demand.record.scale + 1):
        slot = demand.slot(number)
        held = fleet.loads.get(previous.get(slot, ""))
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


def _in_order(found: Mapping[ServiceKey, Demand]) -> list[Demand]:
    """Topological order; the first name goes ahead where services wait for each other."""
    waits_for = {key: set(_leaders(demand, found)) - {key} for key, demand in found.items()}
    followers: dict[ServiceKey, list[ServiceKey]] = {key: [] for key in found}
    for key, leaders in waits_for.items():
        for leader in leaders:
            followers[leader].append(key)
    rank = {key: (not demand.template.is_global, key) for key, demand in found.items()}
    waiting = sorted(rank[key] for key in found)
    ready = [rank[key] for key, leaders in waits_for.items() if not leaders]
    heapify(ready)
    done: dict[ServiceKey, Demand] = {}
    while len(done) < len(found):
        if not ready:
            # A circle: an affinity may point back. Someone has to be first.
            waiting = [each for each in waiting if each[1] not in done]
            ready.append(waiting[0])
        _, key = heappop(ready)
        done[key] = found[key]
        for follower in followers[key]:
            waits_for[follower].discard(key)
            if not waits_for[follower] and follower not in done:
                heappush(ready, rank[follower])
    return list(done.values())


def _leaders(demand: Demand, found: Mapping[ServiceKey, Demand]) -> Iterator[ServiceKey]:
    project = demand.key[0]
    template = demand.template
    names = [*template.depends_on, *template.placement.together_with]
    for each in template.placement.expressions:
        if each.kind == "affinity" and each.key == "service" and not each.negated:
            names.append(each.value)
            other = split_service_id(each.value)
            if other is not None and other in found:
                yield other
    yield from (key for name in names if (key := (project, name)) in found)
