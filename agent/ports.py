"""What the agent needs from the world, as narrow protocols.

Every call may raise `schemas.errors.Transient` or `Permanent` (leaves: `agent.errors`), and nothing
else: an adapter never lets a library's exception through. Every call has a deadline.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from agent.domain.actions import ContainerLabels, PullOrder
from agent.domain.observation import Pulled, SeenContainer, SeenNetwork, SeenVolume
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import DesiredNetwork, DesiredVolume, NodeDesired
from schemas.event import Event
from schemas.mounting import MountOrders, MountReport
from schemas.names import SlotKey
from schemas.service import NetworkAttachment, Probe, ServiceSpec

__all__ = [
    "Bus",
    "ContainerEngine",
    "ContainerLabels",
    "EngineEvent",
    "EngineEvents",
    "EngineFacts",
    "HealthProbe",
    "Ledger",
    "Mounts",
]


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The engine and its machine."""

    version: str
    api_version: str
    cpus: float
    memory_bytes: int


class ContainerEngine(Protocol):
    """A Docker Engine, narrowed to our own containers, networks and volumes.

    Creating what is there already (same name, ours) and removing what is gone are successes.
    Nothing without our labels is ever changed; a foreign container that holds a name we need is
    `ContainerRejected`.
    """

    async def facts(self) -> EngineFacts: ...

    async def containers(self) -> tuple[SeenContainer, ...]:
        """Every one of our containers, running or not, with all details."""
        ...

    async def networks(self) -> tuple[SeenNetwork, ...]: ...

    async def volumes(self) -> tuple[SeenVolume, ...]: ...

    async def images(self, references: Iterable[str]) -> Mapping[str, str]:
        """Reference to image id; references that are not on the node are missing."""
        ...

    async def pull(self, reference: str) -> None:
        """Raises `ImageNotFound`, `PullDenied`, or `PullFailed` where another try may succeed."""
        ...

    async def create(self, name: str, spec: ServiceSpec, labels: ContainerLabels) -> str:
        """Create, not start; joins the spec's networks. Returns the id."""
        ...

    async def start(self, container_id: str) -> None:
        """Started already is success."""
        ...

    async def stop(self, container_id: str, *, signal: str, timeout_s: float) -> None:
        """Signal (empty: the container's own), then kill after `timeout_s`. Stopped is success.

        Returns when the container has stopped. Waiting takes no worker away from other calls,
        and a second, more urgent stop of the same container works while the first one waits.
        """
        ...

    async def kill(self, container_id: str, signal: str) -> None:
        """Send a signal; not running is success."""
        ...

    async def remove(self, container_id: str, *, volumes: bool) -> None:
        """Remove, killing it if it still runs; `volumes` removes its anonymous volumes."""
        ...

    async def connect(self, container_id: str, attachment: NetworkAttachment) -> None:
        """Take it into a network, running or not. Being in it is success; else gone is Transient."""
        ...

    async def disconnect(self, container_id: str, network: str) -> None:
        """Take it out of a network of ours, running or not. Not being in it, or gone, is success."""
        ...

    async def create_network(self, network: DesiredNetwork) -> None: ...

    async def remove_network(self, name: str) -> None: ...

    async def create_volume(self, volume: DesiredVolume) -> None: ...

    async def remove_volume(self, name: str) -> None: ...

    async def log_tail(self, container_id: str) -> tuple[str, ...]:
        """What it printed last, as `agent.domain.log_tails.tail` has it, within some seconds.

        Empty when it is gone or its log can't be read.
        """
        ...

    async def run_probe_command(self, container_id: str, command: str, timeout_s: float) -> int:
        """Run a shell command inside; returns its exit code."""
        ...


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something the engine said about one of our containers. A hint, never the truth."""

    action: str
    container_id: str
    key: SlotKey | None
    attributes: Mapping[str, str]
    at: float


class EngineEvents(Protocol):
    """The engine's event stream."""

    def subscribe(self) -> AbstractAsyncContextManager[AsyncIterator[EngineEvent]]:
        """Events about our containers, from now on.

        Inside the block the subscription stands: what happens after a listing made there is told.
        Entering raises `Transient` when the engine can't be reached. The iterator's end, with or
        without `Transient`, is a disconnect: list everything again. Leaving ends the subscription.
        """
        ...


class HealthProbe(Protocol):
    """Runs one check of `aliyun.probe.*`."""

    async def check(self, container: SeenContainer, probe: Probe) -> bool:
        """True: healthy. Never raises; what can't be checked is unhealthy."""
        ...


class Mounts(Protocol):
    """The process that keeps this node's shared volumes mounted."""

    async def report(self, orders: MountOrders) -> MountReport:
        """Give the orders, whole, and hear how every mount is.

        Answers when something differs from report `orders.seen`, or after `orders.wait_s`. Giving
        the same orders again changes nothing. Raises `Transient` when nothing can be heard; the
        orders may have been taken or not. May be cancelled.
        """
        ...


class Bus(Protocol):
    """The agent's side of NATS. Nothing here uses a JetStream consumer."""

    async def desired(self) -> NodeDesired | None:
        """The newest desired document of this node; None when none was ever written.

        Raises BusUnavailable, and SchemaError for what is there and is no desired document. Whose
        it is, nobody has looked at.
        """
        ...

    async def put_status(self, current: NodeCurrent) -> None:
        """Acknowledged by the broker, or `BusUnavailable`."""
        ...

    async def publish_event(self, event: Event) -> None:
        """Acknowledged, or `BusUnavailable`."""
        ...

    async def heartbeat(self, beat: Heartbeat) -> None:
        """Fire and forget; dropped while disconnected."""
        ...

    def on_hint(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the desired document may have changed, and after every reconnect."""
        ...

    def on_request(self, verb: str, answer: Callable[[bytes], Awaitable[bytes]]) -> None:
        """Answer `troopers.node.<node>.<verb>` with what `answer` makes of the payload.

        `answer` says what is wrong in its reply; an exception from it is a defect, and is logged.
        """
        ...

    @property
    def is_connected(self) -> bool: ...


class Ledger(Protocol):
    """The last accepted desired document, on disk."""

    def load(self) -> NodeDesired | None:
        """None when there is none or it can't be read; why is logged."""
        ...

    async def save(self, desired: NodeDesired) -> None:
        """Atomic; one at a time. What a disk refuses is a `fault`, and held in memory still."""
        ...

    def load_pulled(self) -> dict[PullOrder, Pulled]:
        """What was kept with `save_pulled`; what can't be read is asked for once more."""
        ...

    async def save_pulled(self, pulled: Mapping[PullOrder, Pulled]) -> None:
        """Atomic. What a disk refuses is logged."""
        ...

    @property
    def fault(self) -> str:
        """Why the document saved last is not on disk, in words; empty when it is."""
        ...

    @property
    def epoch(self) -> int:
        """The highest epoch ever accepted."""
        ...
