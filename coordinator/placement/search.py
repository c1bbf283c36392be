"""The search for a service's next node, and the filters it has to pass."""

from collections import Counter
from collections.abc import Sequence

from coordinator.placement.affinity import expression_filters
from coordinator.placement.demand import Demand
from coordinator.placement.filters import (
    Filter,
    FreePorts,
    FreeResources,
    TakesNew,
    Together,
    WorkingVolumes,
    ZoneSpread,
)
from coordinator.placement.occupancy import Fleet, NodeLoad
from coordinator.placement.ranking import Ranking
from schemas.names import ServiceKey


def meant_for(demand: Demand, fleet: Fleet, *, with_soft: bool = False) -> list[Filter]:
    """The filters that say on which nodes a service's containers are meant to be."""
    policy = demand.template.placement
    chosen = [each for each in policy.expressions if with_soft or not each.soft]
    filters = expression_filters(chosen, demand.key, fleet)
    return [*filters, Together(demand.together_with)] if policy.together_with else filters


def room_for(demand: Demand) -> list[Filter]:
    """The filters that say where there is room for one more of them."""
    room: list[Filter] = [FreePorts(demand.taken), FreeResources(demand.taken)]
    return [*room, WorkingVolumes(demand.mount_paths)] if demand.mount_paths else room


def zones_of(demand: Demand, fleet: Fleet) -> Counter[str]:
    """The service's slots per zone."""
    return Counter(fleet.loads[node].view.zone for node in demand.assigned.values())


def hard_filters(demand: Demand, fleet: Fleet, zones: Counter[str]) -> list[Filter]:
    """Every filter that a new slot has to pass, in the order they explain themselves."""
    meant = [TakesNew(), *meant_for(demand, fleet)]
    filters = [*meant, *room_for(demand)]
    policy = demand.template.placement
    if policy.zones_min is not None and not policy.zones_soft:
        usable = {
            load.view.zone
            for load in fleet.loads.values()
            if all(each.check(load) for each in meant)
        }
        possible = len((usable | set(zones)) - {""})
        filters.append(ZoneSpread(policy.zones_min, possible, zones))
    return filters


class Search:
    """Finds the best node again and again, while the slots of one service are being placed.

    Meanwhile nodes only fill up. So a node that was refused needs no second look, and no node can
    be better than the best one before; both make most searches end after a few nodes.
    """

    def __init__(
        self, service: ServiceKey, filters: Sequence[Filter], zones: Counter[str] | None
    ) -> None:
        """`zones` are the service's slots per zone, kept up to date; None: zones don't matter."""
        self._service = service
        # Zones open up as the service spreads: what this filter refuses may pass later.
        self._lasting = [each for each in filters if not isinstance(each, ZoneSpread)]
        self._passing = [each for each in filters if isinstance(each, ZoneSpread)]
        self._zones = zones
        self._refused: set[str] = set()
        self._floor = (0, 0)

    def best(self, ranking: Ranking, partner: NodeLoad | None = None) -> NodeLoad | None:
        """The best node for one more slot: the partner, if it may be; None if there is no node."""
        if partner is not None and self._admits(partner):
            return partner
        best: NodeLoad | None = None
        best_crowd = self._floor
        for load in ranking:
            if load.view.name in self._refused:
                continue
            crowd = self._crowd(load)
            if (best is None or crowd < best_crowd) and self._admits(load):
                best, best_crowd = load, crowd
                if crowd == self._floor:
                    break
        self._floor = best_crowd
        return best

    def _crowd(self, load: NodeLoad) -> tuple[int, int]:
        """How many of the service's slots are in the node's zone and on the node."""
        in_zone = self._zones[load.view.zone] if self._zones is not None else 0
        return in_zone, load.services.get(self._service, 0)

    def _admits(self, load: NodeLoad) -> bool:
        for each in self._lasting:
            if not each.check(load):
                self._refused.add(load.view.name)
                return False
        return all(each.check(load) for each in self._passing)
