"""`Scheduler`: the schedule, kept between passes, and redone where something has changed. Pure.

What it decides is what `schedule` decides of everything at once; a property test holds one against
the other. Three things need more than the project that changed, and say so here: what has no place
is tried again wherever room may have appeared, global services look at nodes that changed, and
services that look at others (affinities) look again when those have changed.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import TypeVar

from coordinator.placement.demand import Demand, demands_of, settle
from coordinator.placement.occupancy import Fleet, NodeView
from coordinator.placement.order import Rank, Ranks
from coordinator.placement.ranking import Ranking
from coordinator.placement.schedule import place_all, placement_of
from coordinator.store.placements import Placement
from schemas.names import ServiceKey, SlotKey
from schemas.records import ProjectRecord
from schemas.states import NodeState

Key = TypeVar("Key")

#: where a slot is so far, by documents and containers
Home = Callable[[SlotKey], str | None]

#: what has become of the projects that were decided anew, by name; None: it has no slots
Decided = Mapping[str, Placement | None]


class Scheduler:
    """Takes note of changes, and decides when asked to."""

    def __init__(self) -> None:
        self._fleet = Fleet()
        self._ranking = Ranking()
        self._ranks = Ranks()
        self._rank: dict[ServiceKey, Rank] = {}
        self._records: dict[str, ProjectRecord] = {}
        self._demands: dict[str, dict[ServiceKey, Demand]] = {}
        self._frozen = False
        #: to be settled anew, or taken out
        self._changed: dict[ServiceKey, None] = {}
        #: settled, and not lined up yet
        self._fresh: set[ServiceKey] = set()
        #: to be placed, by rank; and those of them that want company
        self._waiting: list[ServiceKey] = []
        self._followers: list[ServiceKey] = []
        #: decided, and not told yet
        self._untold: set[ServiceKey] = set()
        #: with slots that have no place
        self._pending: set[ServiceKey] = set()
        #: with slots that no document has where they were placed
        self._unconfirmed: set[ServiceKey] = set()
        #: that may have a place elsewhere by now
        self._leaving: set[ServiceKey] = set()
        self._suspects: set[str] = set()
        self._globals: set[ServiceKey] = set()
        self._onlookers: set[ServiceKey] = set()
        #: something has happened that may make room, or change a reason
        self._has_stirred = False

    @property
    def has_work(self) -> bool:
        """Whether something changed that is not decided yet."""
        return bool(self._changed or self._fresh or self._waiting or self._untold)

    @property
    def may_retry(self) -> bool:
        """Whether what has no place may find one now, or has none for another reason."""
        return self._has_stirred and bool(self._pending)

    @property
    def records(self) -> Mapping[str, ProjectRecord]:
        """The records that it decides by."""
        return self._records

    @property
    def nodes(self) -> Collection[str]:
        """The nodes that it knows, by name."""
        return self._fleet.loads.keys()

    def begin(self, home: Home) -> None:
        """A new pass: what was decided and has not come true is decided again."""
        for key in self._unconfirmed - self._leaving:
            self._confirm(key, home)
        # What was leaving and has left is decided again as well: it is no move any more.
        self._change(self._unconfirmed | {key for key in self._leaving if self._has_moved(key)})

    def take_project(self, name: str, record: ProjectRecord | None) -> None:
        """A project has another record, or none."""
        if record is None:
            self._records.pop(name, None)
        else:
            self._records[name] = record
        had = self._demands.get(name, {})
        has = {demand.key: demand for demand in demands_of(record)} if record else {}
        both = had.keys() & has.keys()
        changed = {key for key in both if not had[key].is_as(has[key])}
        changed |= had.keys() ^ has.keys()
        is_other = any(
            key not in both or had[key].template is not has[key].template for key in changed
        )
        for key in sorted(changed):
            self._take_out(key)
            if key in has:
                self._demands.setdefault(name, {})[key] = has[key]
                self._enlist(has[key])
            else:
                self._rank.pop(key, None)
            self._changed[key] = None
        if is_other:
            self._rank_again(name)

    def take_node(self, name: str, view: NodeView | None, has: Iterable[SlotKey] = ()) -> None:
        """A node is there, is another, or is gone. `has`: the slots that may have been there."""
        load = self._fleet.loads.get(name)
        if (load.view if load else None) == view:
            return
        self._has_stirred = True
        _mark(self._suspects, name, on=view is not None and view.state is NodeState.SUSPECT)
        self._change(self._globals | self._leaving)
        if load is None:
            self._change({slot.service_key for slot in has})
        elif view is None or load.view.hold != view.hold:
            self._change(load.services)
        else:
            self._change(self._unconfirmed & load.services.keys())
        if view is None:
            self._fleet.loads.pop(name, None)
            self._ranking.drop(name)
            return
        load = self._fleet.see(view)
        if view.is_open:
            self._ranking.admit(load)
        else:
            self._ranking.drop(name)

    def take_homes(self, project: str, home: Home) -> None:
        """Documents or containers have slots of the project elsewhere than before."""
        for demand in self._demands.get(project, {}).values():
            if demand.template.is_global or any(
                self._is_astray(demand, slot, home) for slot in demand.slots()
            ):
                self._changed[demand.key] = None

    def take_freeze(self, *, frozen: bool) -> None:
        """Nothing moves from now on, or it may again."""
        if frozen is not self._frozen:
            self._frozen = frozen
            self._change(self._leaving)
            for load in self._fleet.loads.values():
                if not load.view.is_open or load.view.deserted_mounts:
                    self._change(list(load.services))

    def decide(self, home: Home, *, limit: int | None = None, retry: bool = True) -> Decided:
        """Settle what has changed, then place what wants a place, then tell what has become of it.

        With a `limit`, so many at a time; `has_work` says if something is left. Nothing is placed
        before everything is settled: it would not see what stands there. Without `retry`, what had
        no place before is not tried again, unless it waits for company.
        """
        for key in list(islice(self._changed, limit)):
            del self._changed[key]
            self._settle(key, home)
            self._fresh.add(key)
        if self._changed:
            return {}
        if self._fresh or (retry and self._has_stirred):
            self._queue(retry=retry)
        self._place(limit)
        if self._waiting:
            return {}
        names = sorted({key[0] for key in self._untold})[:limit]
        chosen = set(names)
        told = {key for key in self._untold if key[0] in chosen}
        self._untold -= told
        for key in told:
            self._note(key, home)
        return {name: self._placement(name) for name in names}

    def _queue(self, *, retry: bool) -> None:
        """Line up what was settled, and whatever else may profit from it, by rank."""
        fresh, self._fresh = self._fresh, set()
        if fresh:
            self._has_stirred = True
            fresh |= self._onlookers & (self._pending | self._globals)
        if retry and self._has_stirred:
            fresh |= self._pending
            self._has_stirred = False
        self._untold |= fresh
        found = [demand for key in {*fresh, *self._waiting} if (demand := self._demand(key))]
        found = [each for each in found if each.runs and (each.pending or each.template.is_global)]
        found.sort(key=lambda demand: self._rank[demand.key])
        self._waiting = [demand.key for demand in found]
        self._followers = [demand.key for demand in found if demand.follows_others]

    def _place(self, limit: int | None) -> None:
        if not self._waiting:
            return
        some = self._waiting[:limit]
        del self._waiting[:limit]
        place_all([d for key in some if (d := self._demand(key))], self._fleet, self._ranking)
        if not self._waiting and limit is not None:
            # Those of earlier slices may have got the company that they wait for.
            late = [d for key in self._followers if (d := self._demand(key)) and d.pending]
            place_all(late, self._fleet, self._ranking)

    def _settle(self, key: ServiceKey, home: Home) -> None:
        demand = self._demand(key)
        if demand is None:
            return
        self._clear(demand)
        settle(demand, self._fleet, home, frozen=self._frozen)
        for node in demand.assigned.values():
            self._ranking.renew(node)

    def _note(self, key: ServiceKey, home: Home) -> None:
        """Remember of a service that was decided what it still lacks."""
        demand = self._demand(key)
        if demand is None:
            return
        _mark(self._pending, key, on=bool(demand.pending))
        _mark(self._leaving, key, on=bool(demand.leaving))
        self._confirm(key, home)

    def _confirm(self, key: ServiceKey, home: Home) -> None:
        """Look whether a service's slots are where they were placed."""
        demand = self._demand(key)
        assigned = demand.assigned.items() if demand else ()
        _mark(self._unconfirmed, key, on=any(home(slot) != node for slot, node in assigned))

    def _has_moved(self, key: ServiceKey) -> bool:
        return bool((d := self._demand(key)) and d.leaving.keys() & d.assigned.keys())

    def _is_astray(self, demand: Demand, slot: SlotKey, home: Home) -> bool:
        at = home(slot)
        # Of what was decided, some documents may be on their way.
        is_awaited = at is None and demand.key in self._unconfirmed
        return at != demand.assigned.get(slot) and not is_awaited

    def _placement(self, project: str) -> Placement | None:
        demands = self._demands.get(project)
        if not demands:
            return None
        return placement_of(list(demands.values()), self._fleet, may_pass=bool(self._suspects))

    def _demand(self, key: ServiceKey) -> Demand | None:
        return self._demands.get(key.project, {}).get(key)

    def _enlist(self, demand: Demand) -> None:
        self._fleet.enlist(demand.key, demand.template)
        _mark(self._globals, demand.key, on=demand.template.is_global)
        _mark(self._onlookers, demand.key, on=demand.looks_at_others)

    def _take_out(self, key: ServiceKey) -> None:
        demand = self._demands.get(key.project, {}).pop(key, None)
        if demand is None:
            return
        self._clear(demand)
        if not self._demands[key[0]]:
            del self._demands[key[0]]
        self._fleet.discharge(key)
        looks = (self._globals, self._onlookers, self._pending, self._leaving, self._unconfirmed)
        for index in looks:
            index.discard(key)

    def _clear(self, demand: Demand) -> None:
        for slot, node in demand.assigned.items():
            self._fleet.remove(slot, node, demand.taken)
            self._ranking.renew(node)
        demand.assigned.clear()
        demand.pending.clear()
        demand.leaving.clear()

    def _change(self, keys: Iterable[ServiceKey]) -> None:
        self._changed.update(dict.fromkeys(sorted(keys)))

    def _rank_again(self, project: str) -> None:
        near = self._ranks.component(project)
        self._ranks.forget(project)
        for demand in self._demands.get(project, {}).values():
            self._ranks.refer(project, demand.template)
        near |= self._ranks.component(project)
        done: set[str] = set()
        for name in sorted(near):
            if name not in done:
                done |= self._ranks.component(name)
                self._rank.update(self._ranks.of_component(name, self._services_of))

    def _services_of(self, project: str) -> Iterable[Demand]:
        return self._demands.get(project, {}).values()


def _mark(keys: set[Key], key: Key, *, on: bool) -> None:
    if on:
        keys.add(key)
    else:
        keys.discard(key)
