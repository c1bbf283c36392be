"""Filters: which nodes may take one more container of a service, and why the others may not.

Every filter checks one thing on one node and says in words what it found on those it refused.
Within the placing of one service's slots a node that was refused stays refused (nothing is ever
taken away), except by `ZoneSpread`; the search relies on it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from coordinator.placement.expressions import Matcher, written
from coordinator.placement.occupancy import (
    Footprint,
    HostPort,
    NodeLoad,
    NodeView,
    nano,
)
from schemas.names import ServiceKey, SlotKey, service_id
from schemas.states import NodeState

#: How many nodes, and what is said of each, such as "down" or "lacks constraint group==web".
Reason = tuple[int, str]

_MIB = 1024 * 1024


class Filter(Protocol):
    """One condition on a node."""

    def check(self, load: NodeLoad) -> bool:
        """Whether the node may take one more container, as far as this condition goes."""
        ...

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        """Say why these nodes, which `check` has refused, are refused."""
        ...


def explain(filters: Iterable[Filter], loads: Iterable[NodeLoad]) -> str:
    """Say why no node is left, most frequent reason first; each node counts once."""
    asked = list(loads)
    left = asked
    reasons: list[Reason] = []
    for each in filters:
        refused = [load for load in left if not each.check(load)]
        if refused:
            reasons += each.explain(refused)
            left = [load for load in left if each.check(load)]
    reasons.sort(key=lambda reason: (-reason[0], reason[1]))
    if not asked:
        return "no node satisfies: the cluster has no nodes"
    if len(asked) == 1:
        return f"no node satisfies: node {asked[0].view.name} {'; '.join(t for _, t in reasons)}"
    parts = [f"{count} {'node' if count == 1 else 'nodes'} {text}" for count, text in reasons]
    return f"no node satisfies: {'; '.join(parts)}"


def _counted(texts: Iterable[str]) -> list[Reason]:
    return [(count, text) for text, count in sorted(Counter(texts).items())]


@dataclass(frozen=True, slots=True)
class TakesNew:
    """The node is ready, not cordoned, and its engine answers."""

    def check(self, load: NodeLoad) -> bool:
        return load.view.is_open

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return _counted(_closed_because(load.view) for load in refused)


def _closed_because(view: NodeView) -> str:
    if view.state is not NodeState.READY:
        return view.state.value
    return "cordoned" if view.is_cordoned else "without a ready engine"


@dataclass(frozen=True, slots=True)
class Constraint:
    """`constraint:key==value` on what a node is: its name, index, zone or labels."""

    matcher: Matcher

    def check(self, load: NodeLoad) -> bool:
        return self.matcher.holds((node_attribute(load.view, self.matcher.expression.key),))

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return [(len(refused), refusal(self.matcher))]


def node_attribute(view: NodeView, key: str) -> str:
    """What an expression's key means on this node. A label may redefine only `zone` and `az`."""
    if key == "node":
        return view.name
    if key == "aliyun.node_index":
        return str(view.index)
    if key in {"zone", "az"}:
        return view.labels.get(key, view.zone)
    return view.labels.get(key, "")


def refusal(tested: Matcher) -> str:
    """What is said of a node that fails an expression."""
    expression = tested.expression
    text = f"{expression.kind} {written(expression)}"
    if tested.problem:
        return f"can't be tested with {text}: {tested.problem}"
    return f"excluded by {text}" if expression.negated else f"without {text}"


@dataclass(frozen=True, slots=True)
class Together:
    """Containers of these services, which share a namespace or volumes with ours, are there."""

    services: tuple[ServiceKey, ...]

    def check(self, load: NodeLoad) -> bool:
        return all(key in load.services for key in self.services)

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return _counted(
            f"without {service_id(*next(k for k in self.services if k not in load.services)[:2])}"
            for load in refused
        )


@dataclass(frozen=True, slots=True)
class WorkingVolumes:
    """No shared volume that the service uses is broken there. One still to be mounted is fine."""

    mount_paths: frozenset[str]

    def check(self, load: NodeLoad) -> bool:
        return not self.mount_paths & load.view.unfit_mounts

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return _counted(
            f"where the volume {min(self.mount_paths & load.view.unfit_mounts)} doesn't work"
            for load in refused
        )


@dataclass(frozen=True, slots=True)
class FreePorts:
    """No container holds one of our fixed host ports."""

    footprint: Footprint

    def check(self, load: NodeLoad) -> bool:
        return all(load.port_owner(port) is None for port in self.footprint.ports)

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        owners: defaultdict[HostPort, list[SlotKey]] = defaultdict(list)
        for load in refused:
            port, owner = self._clash(load)
            owners[port].append(owner)
        return [(len(slots), _taken(port, slots)) for port, slots in owners.items()]

    def _clash(self, load: NodeLoad) -> tuple[HostPort, SlotKey]:
        clashes = ((port, load.port_owner(port)) for port in self.footprint.ports)
        return next((port, owner) for port, owner in clashes if owner is not None)


def _taken(port: HostPort, owners: Sequence[SlotKey]) -> str:
    others = f" and {len(owners) - 1} more" if len(owners) > 1 else ""
    return f"with port {port} taken by {min(owners)}{others}"


@dataclass(frozen=True, slots=True)
class FreeResources:
    """CPUs and memory are left. A node that doesn't say what it has is not limited."""

    footprint: Footprint

    def check(self, load: NodeLoad) -> bool:
        return self._has_cpus(load) and self._has_memory(load)

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return _counted(self._shortage(load) for load in refused)

    def _has_cpus(self, load: NodeLoad) -> bool:
        wanted, total = self.footprint.nano_cpus, load.view.cpus
        # What asks for nothing fits even where older placements took too much.
        return not wanted or not total or load.nano_cpus + wanted <= nano(total)

    def _has_memory(self, load: NodeLoad) -> bool:
        wanted, total = self.footprint.memory_bytes, load.view.memory_bytes
        return not wanted or not total or load.memory_bytes + wanted <= total

    def _shortage(self, load: NodeLoad) -> str:
        if not self._has_cpus(load):
            return f"without {self.footprint.nano_cpus / 1e9:g} cpus to spare"
        return f"without {self.footprint.memory_bytes / _MIB:.10g} MiB of memory to spare"


@dataclass(slots=True)
class ZoneSpread:
    """`availability:az==N`: while fewer than N zones are used, only another zone will do.

    If fewer than N zones could be used at all, none will do. A node without a zone proves nothing
    about availability, so it takes no part.
    """

    zones_min: int
    #: zones that hold the service or could
    zones_possible: int
    #: the service's slots per zone; the search keeps it up to date
    used: Mapping[str, int] = field(default_factory=dict)

    def check(self, load: NodeLoad) -> bool:
        zone = load.view.zone
        if not zone or self.zones_possible < self.zones_min:
            return False
        return zone not in self.used or len(self.used) >= self.zones_min

    def explain(self, refused: Sequence[NodeLoad]) -> list[Reason]:
        return _counted(self._objection(load) for load in refused)

    def _objection(self, load: NodeLoad) -> str:
        wanted = f"availability:az=={self.zones_min}"
        if not load.view.zone:
            return f"without a zone, needed for {wanted}"
        if self.zones_possible < self.zones_min:
            return f"in too few zones for {wanted}: {self.zones_possible} usable"
        return f"in a zone that {wanted} already uses"
