"""The control plane of one cluster: nats-server, one coordinator, and an agent for each machine.

It owns processes and their directory, not the machines; those may serve many clusters in turn.
Everything is on disk below `home`, so that a later command finds a running cluster again.
"""

import atexit
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from cli.api import Api
from cli.engine import Engine
from cli.listening import free_ports
from cli.mounts import MountPlace, has_mountd, remove_tree
from cli.nats_server import NatsServer
from cli.processes import Child, stop_recorded

_RECORD = "cluster.json"


class Place(Protocol):
    """Where an agent runs: a lab's Machine, or this machine itself."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def enter(self) -> Sequence[str]:
        """The start of the command line that runs a program there."""


PlaceT = TypeVar("PlaceT", bound=Place)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Where a cluster listens and what its processes get in addition."""

    http_port: int
    nats_port: int
    agent_port: int
    http_host: str = "127.0.0.1"
    #: An address that all agents reach.
    bus_host: str = "127.0.0.1"
    agent_environment: Mapping[str, str] = field(default_factory=dict)
    coordinator_environment: Mapping[str, str] = field(default_factory=dict)
    #: Node name -> its labels, its zone.
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def on_free_ports(cls, bus_host: str = "127.0.0.1") -> Self:
        """Settings that collide with nothing on this machine."""
        http, nats, agent = free_ports("0.0.0.0", 3)
        return cls(http_port=http, nats_port=nats, agent_port=agent, bus_host=bus_host)


@dataclass(frozen=True, slots=True)
class Node(Generic[PlaceT]):
    """One node: the agent, and the machine under it."""

    machine: PlaceT
    agent: Child
    #: None without root: then the node mounts no shared volumes
    mountd: Child | None = None

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def address(self) -> str:
        return self.machine.address

    @property
    def engine(self) -> Engine:
        return self.machine.engine


class Cluster(Generic[PlaceT]):
    """nats-server, coordinator and agents; each can be killed and restarted alone."""

    def __init__(
        self, home: Path, machines: Sequence[PlaceT], settings: ClusterSettings | None = None
    ) -> None:
        self.home = home
        self.settings = settings or ClusterSettings.on_free_ports()
        self.nats = NatsServer(home / "nats", self.settings.bus_host, self.settings.nats_port)
        self.url = f"http://{self.settings.http_host}:{self.settings.http_port}"
        self.api = Api(self.url)
        self.coordinator = self._coordinator()
        self._places = {machine.name: MountPlace(home, machine.name) for machine in machines}
        self.nodes = tuple(
            Node(machine, self._agent(machine), self._mountd(machine)) for machine in machines
        )

    @classmethod
    def recorded(cls, home: Path, machines: Sequence[PlaceT]) -> Self | None:
        """The cluster that an earlier process made with this home, if any."""
        try:
            settings = ClusterSettings(**json.loads((home / _RECORD).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return cls(home, machines, settings)

    def __enter__(self) -> Self:
        """Start it; it ends with the block, or with this process at the latest."""
        atexit.register(self.destroy)
        try:
            self.start()
        except BaseException:
            self.destroy()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.destroy()

    @property
    def children(self) -> tuple[Child, ...]:
        mounts = tuple(node.mountd for node in self.nodes if node.mountd)
        return (self.nats, self.coordinator, *mounts, *(node.agent for node in self.nodes))

    @property
    def is_alive(self) -> bool:
        """Whether every process runs."""
        return all(child.is_alive for child in self.children)

    def node(self, name: str) -> Node[PlaceT]:
        return next(node for node in self.nodes if node.name == name)

    def start(self) -> None:
        """Start what doesn't run and wait until all of it is ready. Raises StartFailed."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / _RECORD).write_text(json.dumps(asdict(self.settings)))
        for node in self.nodes:
            if node.mountd and not node.mountd.is_alive:
                self._places[node.name].prepare()
        self.nats.start()
        others = self.children[1:]
        for child in others:
            child.launch()
        for child in others:
            child.wait_ready()

    def stop(self) -> None:
        """End all processes, the bus last; containers stay as they are."""
        for node in self.nodes:
            node.agent.stop()
            if node.mountd:
                node.mountd.stop()
        self.coordinator.stop()
        self.nats.stop()

    def destroy(self) -> None:
        """End all processes, at once, and forget everything they stored. Repeatable."""
        atexit.unregister(self.destroy)
        for place in self._places.values():
            # First of all: who has a file of a dead server open can't end.
            place.destroy()
        stop_recorded(self.home)
        for child in self.children:
            child.stop()  # Reaps those that are children of this very process.
        for place in self._places.values():
            place.destroy()
        remove_tree(self.home)

    def _coordinator(self) -> Child:
        settings = self.settings
        return Child(
            "coordinator",
            [sys.executable, "-m", "coordinator"],
            self.home,
            ready=self.api.answers,
            environment={
                "TROOPERS_COORDINATOR_NAME": "c1",
                "TROOPERS_COORDINATOR_NATS_URL": self.nats.url,
                "TROOPERS_COORDINATOR_LISTEN": f"{settings.http_host}:{settings.http_port}",
                **settings.coordinator_environment,
            },
        )

    def _mountd(self, machine: Place) -> Child | None:
        if not has_mountd():
            return None
        place = self._places[machine.name]
        return place.mountd(self.home, machine.name, machine.enter)

    def _agent(self, machine: Place) -> Child:
        settings = self.settings
        listen = f"{machine.address}:{settings.agent_port}"
        labels = settings.labels.get(machine.name, {})
        mounts = self._places[machine.name]
        return Child(
            f"agent-{machine.name}",
            [*machine.enter, sys.executable, "-m", "agent"],
            self.home,
            ready=Api(f"http://{listen}").answers,
            environment={
                "TROOPERS_AGENT_NODE": machine.name,
                "TROOPERS_AGENT_ADDRESS": machine.address,
                "TROOPERS_AGENT_NATS_URL": self.nats.url,
                "TROOPERS_AGENT_ENGINE_URL": machine.engine.url,
                "TROOPERS_AGENT_STATE_DIR": str(self.home / f"agent-{machine.name}"),
                "TROOPERS_AGENT_LISTEN": listen,
                "TROOPERS_AGENT_LABELS": ",".join(f"{k}={v}" for k, v in labels.items()),
                "TROOPERS_AGENT_ZONE": settings.zones.get(machine.name, ""),
                "TROOPERS_AGENT_MOUNTD_SOCKET": str(mounts.socket) if has_mountd() else "",
                "TROOPERS_AGENT_MOUNT_BASE": str(mounts.directory),
                **settings.agent_environment,
            },
        )
