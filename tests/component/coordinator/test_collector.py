"""What nodes say, in any order, and with clocks that are wrong."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from coordinator.clock import Clock, Pace
from coordinator.nodes.collector import ASKS_MAX, Collector, Message
from coordinator.store.nodes import Health
from coordinator.store.store import Store
from schemas import subjects
from schemas.codec import encode
from schemas.current import Heartbeat, MountCurrent, NodeCurrent
from schemas.states import EngineState, MountState, NodeState
from tests.builders import a_container, a_status
from tests.component.coordinator.world import eventually
from tests.fakes.buckets import FakeBucket
from tests.fakes.stores import a_store


@dataclass
class Said:
    """Implements `coordinator.nodes.collector.Message`."""

    subject: str
    data: bytes


class Bus:
    """Implements `coordinator.nodes.collector.Link`, and speaks for the nodes."""

    def __init__(self) -> None:
        self.status = FakeBucket()
        self._listeners: dict[str, Callable[[Message], Awaitable[None]]] = {}

    def subscribe(self, subject: str, hear: Callable[[Message], Awaitable[None]]) -> None:
        self._listeners[subject] = hear

    async def tell(self, status: NodeCurrent) -> None:
        self.status.write(status.node, encode(status))
        await self.say_status(status.node, encode(status))

    async def say_status(self, node: str, payload: bytes) -> None:
        listener = self._listeners[subjects.kv_key(subjects.STATUS_BUCKET, "*")]
        await listener(Said(subjects.kv_key(subjects.STATUS_BUCKET, node), payload))

    async def beat(self, boot_id: str = "boot-1", sequence: int = 1, payload: bytes = b"") -> None:
        beat = Heartbeat(node="n1", boot_id=boot_id, sequence=sequence, engine=EngineState.READY)
        await self._listeners[subjects.ALL_HEARTBEATS](
            Said(subjects.heartbeat("n1"), payload or encode(beat))
        )


def a_mount(answered_at: str, state: MountState = MountState.MOUNTED) -> MountCurrent:
    return MountCurrent(name="nas", state=state, answered_at=f"2026-11-23T{answered_at}Z")


@pytest.fixture
def store() -> Store:
    return a_store()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
async def collector(store: Store, bus: Bus) -> AsyncIterator[Collector]:
    made = Collector(store, bus.status, Clock(), Pace(reread_s=0.001))
    made.subscribe(bus)
    work = asyncio.create_task(made.run())
    yield made
    work.cancel()
    await asyncio.wait({work})


def looks(store: Store) -> int:
    """Rises with everything that is a reason to look."""
    return store.changes.version


pytestmark = pytest.mark.usefixtures("collector")


async def test_a_status_is_a_sign_of_life_and_a_reason_to_look(store: Store, bus: Bus) -> None:
    before = store.changes.version
    await bus.tell(a_status(1, sequence=1))
    assert store.reports["n1"].sequence == 1
    assert "n1" in store.last_heard
    assert store.changes.version > before


async def test_the_subject_says_whose_status_it_is(store: Store, bus: Bus) -> None:
    await bus.say_status("n7", encode(a_status(1, sequence=1)))
    assert store.reports["n7"].node == "n7"
    assert "n1" not in store.reports


async def test_an_older_status_of_the_same_life_changes_nothing(store: Store, bus: Bus) -> None:
    await bus.tell(a_status(1, sequence=5))
    before = looks(store)
    await bus.tell(a_status(1, sequence=4))
    assert store.reports["n1"].sequence == 5
    assert looks(store) == before


async def test_a_clock_that_is_set_back_makes_no_status_older(store: Store, bus: Bus) -> None:
    await bus.tell(a_status(1, sequence=1, observed_at="2026-11-23T12:00:00Z"))
    await bus.tell(a_status(1, sequence=2, observed_at="2026-11-23T11:00:00Z"))
    assert store.reports["n1"].sequence == 2


async def test_an_agent_that_starts_anew_counts_anew(store: Store, bus: Bus) -> None:
    await bus.tell(a_status(1, sequence=99))
    await bus.tell(a_status(1, boot_id="boot-2", sequence=1))
    assert store.reports["n1"].boot_id == "boot-2"


@pytest.mark.parametrize(
    "stored",
    [a_status(1, sequence=2), a_status(1, boot_id="boot-2", sequence=1)],
    ids=["of the same life", "of the next life"],
)
async def test_a_heartbeat_shows_what_was_missed(
    store: Store, bus: Bus, stored: NodeCurrent
) -> None:
    await bus.tell(a_status(1, sequence=1))
    bus.status.write("n1", encode(stored))
    await bus.beat(stored.boot_id, stored.sequence)
    await eventually(lambda: store.reports["n1"] == stored)


@pytest.mark.parametrize(("boot_id", "sequence"), [("boot-1", 1), ("boot-2", 0)])
async def test_a_heartbeat_that_shows_nothing_new_reads_nothing(
    bus: Bus, boot_id: str, sequence: int
) -> None:
    await bus.tell(a_status(1, sequence=1))
    await bus.beat(boot_id, sequence)
    await asyncio.sleep(0.01)
    assert bus.status.calls == []


async def test_reading_again_is_tried_until_it_works(store: Store, bus: Bus) -> None:
    bus.status.lose("get", happened=False, times=3)
    bus.status.write("n1", encode(a_status(1, sequence=1)))
    await bus.beat()
    await eventually(lambda: "n1" in store.reports)


@pytest.mark.parametrize("stored", [b"{not json", encode(a_status(1, sequence=1))])
async def test_a_status_that_can_not_be_had_costs_a_few_reads_of_its_key(
    store: Store, bus: Bus, stored: bytes
) -> None:
    bus.status.write("n1", stored)
    await bus.beat(sequence=0)
    version = store.changes.version
    for _ in range(20):
        await bus.beat(sequence=7)
        await asyncio.sleep(0.002)
    assert bus.status.calls == [("get", "n1")] * ASKS_MAX
    assert store.changes.version <= version + 1
    bus.status.write("n1", encode(a_status(1, sequence=8)))
    await bus.beat(sequence=8)
    await eventually(lambda: "n1" in store.reports and store.reports["n1"].sequence == 8)


async def test_all_statuses_are_read_together_when_any_may_have_been_missed(
    collector: Collector, bus: Bus, store: Store
) -> None:
    bus.status.write("n1", encode(a_status(1, sequence=1)))
    collector.reread_soon()
    await eventually(lambda: "n1" in store.reports)
    assert bus.status.calls == [("snapshot", "")]


async def test_a_heartbeat_of_a_node_that_is_missed_is_a_reason_to_look_and_others_are_not(
    store: Store, bus: Bus
) -> None:
    await bus.beat(sequence=0)
    assert "n1" in store.last_heard
    assert looks(store) > 0
    store.health.set("n1", Health(NodeState.READY))
    before = looks(store)
    await bus.beat(sequence=0)
    assert looks(store) == before
    store.health.set("n1", Health(NodeState.DOWN))
    before = looks(store)
    await bus.beat(sequence=0)
    assert looks(store) > before


async def test_what_can_not_be_read_is_no_sign_of_life(store: Store, bus: Bus) -> None:
    await bus.beat(payload=b"{not json")
    assert store.last_heard == {}
    await bus.say_status("n1", b"{not json")
    await bus.say_status("n1", b"")
    assert store.reports == {}


async def test_a_report_that_says_nothing_new_is_kept_and_is_no_reason_to_look(
    store: Store, bus: Bus
) -> None:
    await bus.tell(a_status(1, a_container(), sequence=1, mounts=(a_mount("12:00:01"),)))
    before = store.changes.version
    repeated = a_status(1, a_container(), sequence=2, mounts=(a_mount("12:00:31"),))
    await bus.tell(repeated)
    assert store.reports["n1"] == repeated
    assert store.changes.version == before
    await bus.tell(repeated.model_copy(update={"sequence": 3, "settled": True}))
    assert store.changes.version > before


async def test_every_report_of_a_volume_that_is_out_of_order_is_a_reason_to_look(
    store: Store, bus: Bus
) -> None:
    stuck = a_mount("12:00:01", state=MountState.FAILED)
    await bus.tell(a_status(1, sequence=1, mounts=(stuck,)))
    before = looks(store)
    await bus.tell(a_status(1, sequence=2, mounts=(stuck,)))
    assert looks(store) > before


async def test_reading_again_what_is_known_is_no_reason_to_look(
    store: Store, bus: Bus, collector: Collector
) -> None:
    await bus.tell(a_status(1, sequence=1))
    before = store.changes.version
    await collector.reread()
    assert store.changes.version == before


async def test_others_have_their_turns_while_a_thousand_statuses_are_read(
    store: Store, bus: Bus, collector: Collector
) -> None:
    for index in range(1, 1001):
        bus.status.write(f"n{index}", encode(a_status(index, sequence=1)))
    reading = asyncio.create_task(collector.reread())
    known = set()
    while not reading.done():
        known.add(len(store.reports))
        await asyncio.sleep(0)
    assert len(store.reports) == 1000
    assert len(known) > 10


async def test_of_a_status_that_repeats_itself_nothing_is_held_twice(
    store: Store, bus: Bus
) -> None:
    await bus.tell(a_status(1, a_container("web.1"), a_container("web.2"), sequence=1))
    first, second = store.reports["n1"].containers
    await bus.tell(a_status(1, a_container("web.1"), a_container("web.2"), sequence=2))
    assert store.reports["n1"].sequence == 2
    assert store.reports["n1"].containers[0] is first
    await bus.tell(a_status(1, a_container("web.2"), sequence=3))
    assert store.reports["n1"].containers[0] is second
