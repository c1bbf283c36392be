"""What stands on the nodes while a schedule is being made: counts, reservations, taken ports.

It is filled with the placements that stay, then grows with every new one. It decides nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.names import ServiceKey, SlotKey
from schemas.service import ServiceSpec
from schemas.states import NodeState
from schemas.template import ServiceTemplate

#: Host addresses that stand for every interface. IPv6's is among them: Docker binds both.
_EVERY_INTERFACE = frozenset({"", "0.0.0.0", "::", "[::]", "*"})


@dataclass(frozen=True, slots=True)
class NodeView:
    """What the scheduler knows of a node."""

    name: str
    #: never changes and is never given away again; the slot number of global services
    index: int
    address: str = ""
    zone: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    #: 0: unknown, not limited
    cpus: float = 0.0
    #: 0: unknown, not limited
    memory_bytes: int = 0
    state: NodeState = NodeState.READY
    is_cordoned: bool = False
    engine_ready: bool = True
    #: mount paths of shared volumes that don't work here: nothing new that uses one comes
    unfit_mounts: frozenset[str] = frozenset()
    #: those of them whose containers are to go elsewhere
    deserted_mounts: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether the node takes anything new."""
        return self.state is NodeState.READY and not self.is_cordoned and self.engine_ready

    @property
    def hold(self) -> tuple[object, ...]:
        """What decides whether slots stay on the node."""
        return self.index, self.state is NodeState.DOWN, self.deserted_mounts


@dataclass(frozen=True, slots=True)
class HostPort:
    """A fixed port on a node. The empty `host_ip` is every interface."""

    protocol: str
    port: int
    host_ip: str = ""

    def __str__(self) -> str:
        address = f"{self.host_ip}:" if self.host_ip else ""
        return f"{address}{self.port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one container of a service takes from its node.

    Nano-CPUs, as Docker counts them: integers add up to the same sum in every order.
    """

    key: ServiceKey
    nano_cpus: int = 0
    memory_bytes: int = 0
    ports: tuple[HostPort, ...] = ()


def footprint(key: ServiceKey, spec: ServiceSpec) -> Footprint:
    """The reservation of a spec: limits count as reserved where nothing else is said."""
    ports = {
        HostPort(p.protocol, p.host_port, "" if p.host_ip in _EVERY_INTERFACE else p.host_ip)
        for p in spec.ports
        if p.host_port is not None
    }
    return Footprint(
        key=key,
        nano_cpus=nano(spec.cpus or 0.0),
        memory_bytes=spec.mem_reservation_bytes or spec.mem_limit_bytes or 0,
        ports=tuple(sorted(ports, key=lambda p: (p.port, p.protocol, p.host_ip))),
    )


def nano(cpus: float) -> int:
    """Cores as nano-CPUs."""
    return round(cpus * 1_000_000_000)


class NodeLoad:
    """One node and what it holds."""

    __slots__ = ("_ports", "memory_bytes", "nano_cpus", "services", "slots", "view")

    def __init__(self, view: NodeView) -> None:
        self.view = view
        self.nano_cpus = 0
        self.memory_bytes = 0
        self.slots: set[SlotKey] = set()
        #: slots per service; a service without any isn't in it
        self.services: dict[ServiceKey, int] = {}
        self._ports: defaultdict[tuple[str, int], list[tuple[str, SlotKey]]] = defaultdict(list)

    def add(self, slot: SlotKey, taken: Footprint) -> None:
        self.nano_cpus += taken.nano_cpus
        self.memory_bytes += taken.memory_bytes
        self.slots.add(slot)
        self.services[taken.key] = self.services.get(taken.key, 0) + 1
        for port in taken.ports:
            self._ports[port.protocol, port.port].append((port.host_ip, slot))

    def remove(self, slot: SlotKey, taken: Footprint) -> None:
        """Undo `add`."""
        self.nano_cpus -= taken.nano_cpus
        self.memory_bytes -= taken.memory_bytes
        self.slots.discard(slot)
        self.services[taken.key] -= 1
        if not self.services[taken.key]:
            del self.services[taken.key]
        for port in taken.ports:
            self._ports[port.protocol, port.port].remove((port.host_ip, slot))

    def port_owner(self, wanted: HostPort) -> SlotKey | None:
        """The first slot whose port clashes: the same one, where either is on every interface."""
        owners = self._ports.get((wanted.protocol, wanted.port))
        if not owners:
            return None
        return min(
            (slot for ip, slot in owners if not ip or not wanted.host_ip or ip == wanted.host_ip),
            default=None,
        )


class Fleet:
    """All known nodes, and the services whose containers they hold."""

    def __init__(
        self,
        nodes: Iterable[NodeView] = (),
        services: Mapping[ServiceKey, ServiceTemplate] | None = None,
    ) -> None:
        by_index = sorted(nodes, key=lambda node: (node.index, node.name))
        #: in order of index
        self.loads = {node.name: NodeLoad(node) for node in by_index}
        self.services: dict[ServiceKey, ServiceTemplate] = {}
        self._by_name: dict[tuple[str, str], tuple[ServiceKey, ...]] = {}
        for key, template in (services or {}).items():
            self.enlist(key, template)
        #: slots per service on all nodes
        self.placed: Counter[ServiceKey] = Counter()
        self._node_of: dict[SlotKey, str] = {}

    def add(self, slot: SlotKey, node: str, taken: Footprint) -> None:
        self.loads[node].add(slot, taken)
        self.placed[taken.key] += 1
        self._node_of[slot] = node

    def remove(self, slot: SlotKey, node: str, taken: Footprint) -> None:
        """Undo `add`. A node that is not known any more has taken its load with it."""
        if node in self.loads:
            self.loads[node].remove(slot, taken)
        self.placed[taken.key] -= 1
        if not self.placed[taken.key]:
            del self.placed[taken.key]
        if self._node_of.get(slot) == node:
            del self._node_of[slot]

    def enlist(self, key: ServiceKey, template: ServiceTemplate) -> None:
        """Know a service, or know it as it is now."""
        if key not in self.services:
            name = key.project, key.service
            self._by_name[name] = (*self._by_name.get(name, ()), key)
        self.services[key] = template

    def discharge(self, key: ServiceKey) -> None:
        """Undo `enlist`."""
        if self.services.pop(key, None) is None:
            return
        name = key.project, key.service
        self._by_name[name] = tuple(each for each in self._by_name[name] if each != key)
        if not self._by_name[name]:
            del self._by_name[name]

    def named(self, project: str, service: str) -> tuple[ServiceKey, ...]:
        """The services of this name: one, or one of each set."""
        return self._by_name.get((project, service), ())

    def see(self, view: NodeView) -> NodeLoad:
        """Know a node, or know it as it is now. What it holds stays."""
        load = self.loads.get(view.name)
        if load is None:
            load = self.loads[view.name] = NodeLoad(view)
            is_moved = True
        else:
            is_moved = load.view.index != view.index
            load.view = view
        if is_moved:
            by_index = sorted(
                self.loads.values(), key=lambda each: (each.view.index, each.view.name)
            )
            self.loads = {each.view.name: each for each in by_index}
        return load

    def load_of(self, slot: SlotKey) -> NodeLoad | None:
        """The node that holds a slot."""
        node = self._node_of.get(slot)
        return None if node is None else self.loads[node]
