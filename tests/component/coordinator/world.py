"""A coordinator over buckets in memory, and agents that obey at once when they are asked to."""

import asyncio
from collections.abc import Callable
from typing import Any

from coordinator.clock import Pace
from coordinator.commands.compiling import Offload
from coordinator.commands.deciding import Deciding
from coordinator.commands.deliveries import Deliveries
from coordinator.commands.dry_runs import DryRuns
from coordinator.commands.intake import Intake
from coordinator.commands.signalling import Signalling
from coordinator.commands.waiting import Waiting
from coordinator.control.loop import ControlLoop
from coordinator.control.loss_watch import LossWatch
from coordinator.store.store import Buckets, Store
from coordinator.views.known import KnownNow
from coordinator.views.projects import ProjectViews
from coordinator.views.queries import Queries
from coordinator.views.rollup import ProjectView
from schemas.codec import decode
from schemas.command import AnyCommand, CreateProject, CreateVolume
from schemas.current import ContainerCurrent
from schemas.desired import DesiredSlot, NodeDesired
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.reply import ReasonCode, Reply
from schemas.states import NodeState, Wanted
from tests.builders import a_container, a_status, exited
from tests.component.coordinator.listeners import Meter, Requests, Sink
from tests.component.coordinator.times import CLOCK
from tests.fakes.buckets import FakeBucket
from tests.fakes.stores import some_buckets
from tests.releases import prepared

#: longer than any of this takes
LONG_S = 30.0
TEMPLATE = "web: {image: 'web:1'}"


async def at_once(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Instead of in a thread: virtual time knows nothing of those."""
    return function(*args, **options)


#: Nodes are judged at every pass.
PACE = Pace(judge_s=0.0, refused_s=0.0)


class World:
    """One coordinator process. `successor` is the next one, on the same buckets."""

    def __init__(
        self,
        buckets: Buckets | None = None,
        epoch: int = 1,
        *,
        accepted: int = 0,
        lease: FakeBucket | None = None,
        routers: FakeBucket | None = None,
        pace: Pace = PACE,
        offload: Offload = at_once,
    ) -> None:
        self.buckets = buckets or some_buckets()
        self.epoch = epoch
        self.store = Store(self.buckets)
        self.views = ProjectViews(self.store)
        self.sink, self.meter, self.requests = Sink(), Meter(), Requests()
        self.journal: list[tuple[AnyCommand, Reply]] = []
        self.lease = lease or FakeBucket()
        self.routers = routers or FakeBucket()
        while self.lease.sequence < epoch:
            self.lease.write("coordinator", b"{}")
        self.watch = LossWatch(self.store, self.lease, self.sink, accepted)
        self.loop = ControlLoop(
            *(self.store, self.views, self.sink, self.meter, self.watch),
            routers=self.routers,
            clock=CLOCK,
            pace=pace,
        )
        self.deciding = Deciding(
            *(self.store, self.views, self.loop.writer, self.loop.reread_and_wake),
            clock=CLOCK,
            offload=offload,
        )
        signalling = Signalling(self.views, self.requests, CLOCK, pace)
        self.deliveries = Deliveries(signalling, self.deciding, self._note)
        self.waiting = Waiting(self.store, self.views, self.loop.is_routed, clock=CLOCK)
        known = KnownNow(self.store, self.views, CLOCK)
        self.intake = Intake(
            self.store,
            Queries(
                *(self.views.all, known.nodes, known.volumes),
                *(self.store.revisions.get, known.routing),
            ),
            self.deciding,
            self.deliveries,
            self.waiting,
            dry_runs=DryRuns(self.store, self.deciding, offload=offload),
            journal=self._note,
        )
        # As in `open`, which a test need not leave.
        self.intake.close("")
        self.deliveries._is_open = True
        self._reports = 0

    def _note(self, command: AnyCommand, reply: Reply) -> None:
        self.journal.append((command, reply))

    def now(self) -> float:
        return CLOCK.monotonic()

    def view(self, project: str = "shop") -> ProjectView:
        found = self.views.of(project)
        assert found is not None
        return found

    def states(self) -> dict[str, NodeState]:
        """What is believed of the nodes."""
        return {name: health.state for name, health in self.store.health.items()}

    def assigned(self) -> dict[SlotKey, str]:
        """Where all slots are."""
        placements = self.store.placements.values()
        return {slot: node for each in placements for slot, node in each.assigned.items()}

    def hear_what(self, other: "World") -> None:
        """Hear from all nodes what another coordinator has heard from them last."""
        for name, report in other.store.reports.items():
            self.store.reports.set(name, report)
        self.store.last_heard |= other.store.last_heard

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
        world = World(self.buckets, self.epoch + 1, lease=self.lease, routers=self.routers)
        await world.loop.read()
        return world

    def settled_since(self) -> float:
        return self.now() - 60.0

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
        self.store.last_heard[name] = self.now()
        report = a_status(index, *containers, sequence=self._reports, **status)
        self.store.reports.set(name, report)

    def obey(self, index: int = 1, **status: Any) -> None:
        """The node does all that its document says, and tells so."""
        held = self.document(index)
        containers = []
        for entry in held.slots if held else ():
            where = f"{entry.service}.{entry.slot}"
            more: dict[str, Any] = {
                "project": entry.project,
                "set_name": entry.set_name,
                "name": str(entry.key),
                "id": f"id-{entry.key}",
                "fingerprint": entry.spec,
                "version": entry.version,
            }
            if entry.wanted is Wanted.RUNNING:
                containers.append(a_container(where, **more))
            elif entry.wanted is Wanted.STOPPED and entry.prepares is None:
                containers.append(exited(where, **more))
        if held is not None:
            status = {"preparations": prepared(held)} | status
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
