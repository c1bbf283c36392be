"""A coordinator over buckets in memory, and agents that obey at once when they are asked to."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from coordinator.commands.intake import Intake
from coordinator.control.loop import Buckets, ControlLoop
from coordinator.control.loss_watch import LossWatch
from coordinator.store.picture import Picture
from schemas.codec import decode
from schemas.command import AnyCommand, CreateProject, CreateVolume, ReasonCode, Reply
from schemas.current import ContainerCurrent
from schemas.desired import DesiredSlot, NodeDesired
from schemas.event import Event
from schemas.records import ProjectRecord
from schemas.states import Wanted
from tests.builders import a_container, a_status, exited
from tests.fakes.buckets import FakeBucket

#: longer than any of this takes
LONG_S = 30.0
TEMPLATE = "web: {image: 'web:1'}"


class Meter:
    def __init__(self) -> None:
        self.passes: list[str] = []
        self.writes: list[str] = []

    def count_pass(self, outcome: str, seconds: float) -> None:
        self.passes.append(outcome)

    def count_write(self, outcome: str) -> None:
        self.writes.append(outcome)


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)


class Requests:
    """Implements `coordinator.ports.NodeRequests`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, ...], str]] = []
        self.fault = ""
        #: nodes that don't answer at all
        self.frozen: set[str] = set()
        #: no node answers while it is not set
        self.gate = asyncio.Event()
        self.gate.set()

    async def signal(
        self, node: str, container_ids: tuple[str, ...], signal: str, deadline: datetime
    ) -> str:
        self.sent.append((node, container_ids, signal))
        await self.gate.wait()
        if node in self.frozen:
            await asyncio.sleep((deadline - datetime.now(UTC)).total_seconds() + 0.01)
            return "its agent has not answered in time"
        return self.fault


class World:
    """One coordinator process. `successor` is the next one, on the same buckets."""

    #: those that a test has made, and that have to end with it
    made: ClassVar[list["World"]] = []

    def __init__(
        self,
        buckets: Buckets | None = None,
        epoch: int = 1,
        *,
        accepted: int = 0,
        lease: FakeBucket | None = None,
    ) -> None:
        self.buckets = buckets or Buckets(
            projects=FakeBucket(), volumes=FakeBucket(), nodes=FakeBucket(), desired=FakeBucket()
        )
        self.epoch = epoch
        self.picture = Picture()
        self.sink, self.meter, self.requests = Sink(), Meter(), Requests()
        self.journal: list[tuple[AnyCommand, Reply]] = []
        self.lease = lease or FakeBucket()
        while self.lease.sequence < epoch:
            self.lease.write("coordinator", b"{}")
        watched = {
            "projects": self.projects,
            "volumes": self.volumes,
            "nodes": self.nodes,
            "desired": self.desired,
            "lease": self.lease,
        }
        self.watch = LossWatch(self.picture, watched, self.sink, accepted)
        self.loop = ControlLoop(self.picture, self.buckets, self.sink, self.meter, self.watch)
        self.intake = Intake(
            self.picture,
            self.buckets,
            self.requests,
            lambda command, reply: self.journal.append((command, reply)),
            self.loop,
        )
        self.intake.open()
        self._reports = 0
        self.made.append(self)

    @property
    def projects(self) -> FakeBucket:
        assert isinstance(self.buckets.projects, FakeBucket)
        return self.buckets.projects

    @property
    def volumes(self) -> FakeBucket:
        assert isinstance(self.buckets.volumes, FakeBucket)
        return self.buckets.volumes

    @property
    def desired(self) -> FakeBucket:
        assert isinstance(self.buckets.desired, FakeBucket)
        return self.buckets.desired

    @property
    def nodes(self) -> FakeBucket:
        assert isinstance(self.buckets.nodes, FakeBucket)
        return self.buckets.nodes

    async def successor(self) -> "World":
        """A new process that has read what the old one had saved."""
        world = World(self.buckets, self.epoch + 1, lease=self.lease)
        await world.loop.read()
        return world

    def settled_since(self) -> float:
        return time.monotonic() - 60.0

    async def do_pass(self) -> None:
        await self.loop.do_pass(self.epoch, self.settled_since())

    def hear(self, index: int, *containers: ContainerCurrent, **status: Any) -> None:
        """The node tells its status; by default it has read its document, and obeyed."""
        name = f"n{index}"
        held = self.document(index)
        if held is not None:
            numbers = {"epoch": held.epoch, "generation": held.generation, "index": held.index}
            status = numbers | {"settled": True} | status
        self._reports += 1
        self.picture.current[name] = a_status(index, *containers, sequence=self._reports, **status)
        self.picture.last_seen[name] = time.monotonic()
        self.picture.touch()
        self.loop.wake()

    def obey(self, index: int = 1, **status: Any) -> None:
        """The node does all that its document says, and tells so."""
        held = self.document(index)
        containers = []
        for entry in held.slots if held else ():
            where = f"{entry.service}.{entry.slot}"
            more: dict[str, Any] = {"project": entry.project, "fingerprint": entry.spec}
            if entry.wanted is Wanted.RUNNING:
                containers.append(a_container(where, **more))
            elif entry.wanted is Wanted.STOPPED:
                containers.append(exited(where, **more))
        self.hear(index, *containers, **status)

    async def create_volume(self, options: dict[str, Any]) -> None:
        """A volume `data`."""
        create = CreateVolume(command_id="v", name="data", driver="nas", driver_opts=options)
        assert (await self.intake.submit(create)).outcome == "accepted"

    async def settle(self, *indexes: int) -> None:
        """Passes and obedience, until nothing changes."""
        for _ in range(10):
            before = dict(self.desired.values)
            await self.do_pass()
            for index in indexes or (1,):
                self.obey(index)
            if self.desired.values == before:
                return
        raise AssertionError("no rest")

    def document(self, index: int = 1) -> NodeDesired | None:
        held = self.desired.values.get(f"n{index}")
        return decode(NodeDesired, held[0]) if held else None

    def entry(self, where: str = "web.1", index: int = 1) -> DesiredSlot | None:
        """A slot of the node's document."""
        document = self.document(index)
        found = [e for e in document.slots if f"{e.service}.{e.slot}" == where] if document else []
        return found[0] if found else None

    def wants(self, what: Wanted, where: str = "web.1") -> bool:
        found = self.entry(where)
        return found is not None and found.wanted is what

    def record(self, name: str = "shop") -> ProjectRecord | None:
        """As it is stored."""
        held = self.projects.values.get(name)
        return decode(ProjectRecord, held[0]) if held else None


async def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for what the control loop does in the background."""
    async with asyncio.timeout(LONG_S):
        while not is_true():  # noqa: ASYNC110 - what is watched sets no event
            await asyncio.sleep(0.001)


def creation(command_id: str = "c-1", name: str = "shop", **fields: Any) -> CreateProject:
    return CreateProject(**{"command_id": command_id, "name": name, "template": TEMPLATE} | fields)


def code(reply: Reply) -> ReasonCode:
    assert reply.reason is not None
    return reply.reason.code
