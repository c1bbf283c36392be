"""Ranking: which of the nodes that may take a container is the best one.

Fewest containers of the same service first, so that a service spreads evenly; between equals the
node with the smallest reserved share (of CPUs or memory, whichever is scarcer), then the one with
the fewest containers, then the lowest index. A project's other services have no say: they are
counted by share and containers already, and keeping them apart would serve nobody.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from coordinator.placement.occupancy import NodeLoad, nano

#: share, containers, index, name: smaller is better
_Rank = tuple[float, int, int, str]


def reserved_share(load: NodeLoad) -> float:
    """How full the node is: 0 to 1, or more where older placements took too much."""
    view = load.view
    cpus = load.nano_cpus / nano(view.cpus) if nano(view.cpus) else 0.0
    memory = load.memory_bytes / view.memory_bytes if view.memory_bytes else 0.0
    return max(cpus, memory)


class Ranking:
    """Nodes, best first, by what doesn't depend on the service.

    It is kept sorted, so that an ordinary slot finds its node near the front instead of looking
    at all of them. Of all changes of a node between two looks only the last one counts.
    """

    def __init__(self, loads: Iterable[NodeLoad] = ()) -> None:
        self._loads = {load.view.name: load for load in loads}
        self._rank_of = {name: _rank(load) for name, load in self._loads.items()}
        self._ranks = sorted(self._rank_of.values())
        #: nodes whose load may have changed since they were ranked
        self._stale: set[str] = set()

    def __iter__(self) -> Iterator[NodeLoad]:
        """Best first, by what they hold when the iteration begins."""
        for name in self._stale:
            self._move(name, _rank(self._loads[name]))
        self._stale.clear()
        loads = self._loads
        for rank in self._ranks:
            yield loads[rank[3]]

    def renew(self, name: str) -> None:
        """The node's load has changed: rank it anew. One that is not ranked stays out."""
        if name in self._rank_of:
            self._stale.add(name)

    def admit(self, load: NodeLoad) -> None:
        """Rank a node from now on; one that is ranked already is renewed."""
        name = load.view.name
        self._loads[name] = load
        if name in self._rank_of:
            self._stale.add(name)
        else:
            self._rank_of[name] = _rank(load)
            insort(self._ranks, self._rank_of[name])

    def drop(self, name: str) -> None:
        """Rank a node no longer."""
        if name in self._rank_of:
            del self._ranks[bisect_left(self._ranks, self._rank_of.pop(name))]
            del self._loads[name]
            self._stale.discard(name)

    def _move(self, name: str, rank: _Rank) -> None:
        before = self._rank_of[name]
        if rank != before:
            del self._ranks[bisect_left(self._ranks, before)]
            self._rank_of[name] = rank
            insort(self._ranks, rank)


def _rank(load: NodeLoad) -> _Rank:
    return reserved_share(load), len(load.slots), load.view.index, load.view.name
