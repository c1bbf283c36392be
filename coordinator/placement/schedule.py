"""`schedule`: which node runs which slot. What can stay stays; what can't be placed says why.

The rules, in the order they apply:

1. A slot keeps its node while that node is known, whatever its template says by now. The one
   exception: the node is down, the service wants to be rescheduled, and nobody froze that.
2. A slot that is to move but fits nowhere else stays where it is, and is unplaced as well.
3. New slots go to nodes that pass every filter, soft expressions included; if there is none, soft
   expressions are dropped. Between the nodes left, `ranking` decides.
4. A global service has one slot on every node that passes; its number is the node's index, it
   never moves, and a node that isn't meant for it is no failure.
5. A stopped service keeps its slots and gets no new ones.

Whether a container should run, and the order containers start in, is decided elsewhere.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from coordinator.placement.demand import Demand, demands, settle
from coordinator.placement.filters import explain
from coordinator.placement.occupancy import Fleet, NodeLoad, NodeView
from coordinator.placement.ranking import Ranking
from coordinator.placement.search import Search, hard_filters, meant_for, room_for, zones_of
from coordinator.store.placements import Placement
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.states import NodeState

_Value = TypeVar("_Value")

__all__ = ["NodeView", "place_all", "placement_of", "schedule"]


def schedule(
    projects: Iterable[ProjectRecord],
    nodes: Iterable[NodeView],
    previous: Mapping[SlotKey, str],
    *,
    frozen: bool = False,
) -> Placement:
    """Give every wanted slot a node, or a reason why it has none.

    The order of the arguments' elements has no influence, and the result's are sorted. With
    `frozen` nothing that has a known node moves.
    """
    wanted = demands(projects)
    fleet = Fleet(nodes, {demand.key: demand.template for demand in wanted})
    for demand in wanted:
        settle(demand, fleet, previous.get, frozen=frozen)
    ranking = Ranking(load for load in fleet.loads.values() if load.view.is_open)
    place_all([demand for demand in wanted if demand.runs], fleet, ranking)
    return placement_of(wanted, fleet, may_pass=has_suspect(fleet))


def has_suspect(fleet: Fleet) -> bool:
    """Whether a node is only suspect: it is judged within seconds, and may take something then."""
    return any(load.view.state is NodeState.SUSPECT for load in fleet.loads.values())


def placement_of(demands: Sequence[Demand], fleet: Fleet, *, may_pass: bool) -> Placement:
    """What has become of these services' slots."""
    without = _joined(unplaced(demand, fleet) for demand in demands)
    return Placement(
        # A slot that could not move stays where it was.
        assigned=_joined(demand.leaving | demand.assigned for demand in demands),
        unplaced=without,
        may_pass=may_pass and bool(without),
        moved=_joined(
            {slot: (was, d.assigned[slot]) for slot, was in d.leaving.items() if slot in d.assigned}
            for d in demands
        ),
    )


def _joined(parts: Iterable[Mapping[SlotKey, _Value]]) -> dict[SlotKey, _Value]:
    return dict(sorted((item for part in parts for item in part.items()), key=lambda i: i[0]))


def place_all(waiting: Sequence[Demand], fleet: Fleet, ranking: Ranking) -> None:
    """Place what these services still want, in their order, as far as there is room."""
    while sum([_place(demand, fleet, ranking) for demand in waiting]):
        # Only a service that wants company can profit from what has been placed since;
        # everybody else finds less room than before.
        waiting = [demand for demand in waiting if demand.follows_others]


def _place(demand: Demand, fleet: Fleet, ranking: Ranking) -> int:
    """Place as many of the service's slots as possible now; how many that was."""
    if demand.template.is_global:
        return _place_global(demand, fleet, ranking)
    if not demand.pending:
        return 0
    zones = zones_of(demand, fleet)
    searches = _searches(demand, fleet, zones)
    placed = 0
    for slot in demand.pending:
        partner = _partner(demand, slot, fleet)
        found = (search.best(ranking, partner) for search in searches)
        load = next((load for load in found if load is not None), None)
        if load is None:
            # Nothing has changed for the slots after this one: they would fail as well.
            break
        demand.put(slot, load.view.name, fleet)
        zones[load.view.zone] += 1
        ranking.renew(load.view.name)
        placed += 1
    del demand.pending[:placed]
    return placed


def _searches(demand: Demand, fleet: Fleet, zones: Counter[str]) -> list[Search]:
    """With soft expressions enforced, and for when that finds nothing, without."""
    policy = demand.template.placement
    hard = hard_filters(demand, fleet, zones)
    counted = zones if policy.zones_min else None
    relaxed = Search(demand.key, hard, counted)
    if not any(each.soft for each in policy.expressions):
        return [relaxed]
    strict = [*hard, *meant_for(demand, fleet, with_soft=True)]
    return [Search(demand.key, strict, counted), relaxed]


def _partner(demand: Demand, slot: SlotKey, fleet: Fleet) -> NodeLoad | None:
    """The node of the slot with the same number, of the service that must share its node.

    Or of the same service in another set: its image and its local volumes are there.
    """
    for project, service, set_name in (*demand.together_with, *demand.beside):
        load = fleet.load_of(SlotKey(project, service, slot.slot, set_name))
        if load is not None:
            return load
    return None


def _place_global(demand: Demand, fleet: Fleet, ranking: Ranking) -> int:
    meant, room = meant_for(demand, fleet), room_for(demand)
    demand.pending.clear()
    placed = 0
    for load in fleet.loads.values():
        slot = demand.slot(load.view.index)
        if slot in demand.assigned or not (load.view.is_open and demand.may_have(load)):
            continue
        if not all(each.check(load) for each in meant):
            continue
        if all(each.check(load) for each in room):
            demand.put(slot, load.view.name, fleet)
            ranking.renew(load.view.name)
            placed += 1
        else:
            demand.pending.append(slot)
    return placed


def unplaced(demand: Demand, fleet: Fleet) -> dict[SlotKey, str]:
    """The service's slots that have no node, with the reason."""
    if not demand.pending:
        return {}
    loads = fleet.loads.values()
    if demand.template.is_global:
        # Each of these slots is meant for one node, which has no room for it.
        by_index = {load.view.index: load for load in loads}
        return {s: explain(room_for(demand), [by_index[s.slot]]) for s in demand.pending}
    reason = explain(hard_filters(demand, fleet, zones_of(demand, fleet)), loads)
    return dict.fromkeys(demand.pending, reason)
