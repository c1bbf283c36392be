"""Records that the bus has lost, or that can't be read: what they were about goes on as it is."""

import asyncio

import pytest

from coordinator.errors import RevisionConflict
from schemas.codec import encode
from schemas.command import (
    DeleteProject,
    DeleteVolume,
    ScaleService,
    StopProject,
)
from schemas.current import MountCurrent
from schemas.errors import InvalidInput
from schemas.states import MountState, Wanted
from tests.component.coordinator.world import PACE, World, creation

SHARE = {"diskid": "1", "host": "nas.example", "path": "/abc", "mode": "755"}
MOUNTED = (MountCurrent(name="data", state=MountState.MOUNTED),)


@pytest.fixture
async def world() -> World:
    """Two nodes with a volume, and a service that uses it on each."""
    world = World()
    world.hear(1)
    world.hear(2)
    await world.do_pass()
    await world.create_volume(SHARE)
    template = "version: '2'\nservices: {web: {image: 'web:1', scale: 2, volumes: ['data:/d']}}"
    assert (await world.intake.submit(creation(template=template))).outcome == "accepted"
    await world.settle(1, 2)
    return world


def mounts(world: World, index: int) -> dict[str, Wanted]:
    document = world.document(index)
    return {mount.name: mount.wanted for mount in document.mounts} if document else {}


async def free_the_volume(world: World) -> None:
    await world.intake.submit(DeleteProject(command_id="d", name="shop", force=True))
    await world.settle(1, 2)


@pytest.mark.parametrize("record", ["lost", "unreadable"])
@pytest.mark.parametrize("reader", ["the same coordinator", "its successor"])
async def test_a_volume_stays_mounted(world: World, record: str, reader: str) -> None:
    if record == "lost":
        world.volumes.lose_key("data")
    else:
        world.volumes.write("data", b'{"from": "a newer version"}')
    if reader == "its successor":
        world = await world.successor()
    else:
        await world.loop.read()
    await world.settle(1, 2)
    world.hear(3)
    await world.settle(1, 2, 3)
    for index in (1, 2):
        assert mounts(world, index) == {"data": Wanted.RUNNING}


GLOBAL = "version: '2'\nservices: {web: {image: 'web:1', labels: {aliyun.global: 'true'}}}"


@pytest.fixture
async def everywhere() -> World:
    """A global service on two nodes that joined in an order that is not that of their names."""
    world = World()
    for index in (2, 1):
        world.hear(index)
        await world.do_pass()
    await world.intake.submit(creation(template=GLOBAL))
    await world.settle(1, 2)
    return world


def slots(world: World) -> dict[str, list[tuple[int, Wanted]]]:
    documents = {f"n{index}": world.document(index) for index in (1, 2)}
    return {
        name: [(slot.slot, slot.wanted) for slot in document.slots] if document else []
        for name, document in documents.items()
    }


async def next_one(world: World, *, accepted: int = 0) -> World:
    """A new process that hears what the nodes said last."""
    fresh = World(world.buckets, world.epoch + 1, lease=world.lease, accepted=accepted)
    await fresh.loop.read()
    fresh.hear_what(world)
    return fresh


@pytest.mark.parametrize("lost", [("n1",), ("n2",), ("n1", "n2")])
async def test_a_node_keeps_its_index_and_its_global_slots(
    everywhere: World, lost: tuple[str, ...]
) -> None:
    before = slots(everywhere)
    for name in lost:
        everywhere.nodes.lose_key(name)
    fresh = await next_one(everywhere)
    fresh.hear(0)
    await fresh.settle(1, 2)
    assert slots(fresh) == before
    indices = {name: record.index for name, record in fresh.store.nodes.items()}
    assert (indices["n2"], indices["n1"], indices["n0"]) == (1, 2, 3)


async def test_a_node_that_only_its_agent_remembers_keeps_its_index_too(everywhere: World) -> None:
    before = slots(everywhere)
    for name in ("n1", "n2"):
        everywhere.nodes.lose_key(name)
        everywhere.desired.lose_key(name)
    fresh = await next_one(everywhere, accepted=everywhere.epoch)
    await fresh.settle(1, 2)
    assert slots(fresh) == before


@pytest.mark.parametrize("record", ["lost", "unreadable"])
@pytest.mark.parametrize("node", ["silent", "heard"])
async def test_what_runs_on_a_node_without_a_record_is_placed_nowhere_else(
    record: str, node: str
) -> None:
    world = World()
    world.hear(1)
    await world.do_pass()
    await world.intake.submit(creation())
    await world.settle(1)
    if record == "lost":
        world.nodes.lose_key("n1")
    else:
        world.nodes.write("n1", b'{"from": "a newer version"}')
    fresh = await next_one(world)
    if node == "silent":
        fresh.store.reports.forget("n1")
        del fresh.store.last_heard["n1"]
    fresh.hear(2)
    await pass_and_read(fresh)
    await fresh.settle(2)
    assert fresh.store.halted_because == ""
    assert slots(fresh) == {"n1": [(1, Wanted.RUNNING)], "n2": []}
    is_back = record == "lost" and node == "heard"
    assert ("n1" in fresh.store.nodes) == is_back
    await fresh.intake.submit(StopProject(command_id="s", name="shop"))
    await fresh.settle(2)
    assert slots(fresh) == {"n1": [(1, Wanted.STOPPED)], "n2": []}


async def test_a_node_without_a_record_gets_nothing_new(world: World) -> None:
    world.nodes.write("n1", b'{"from": "a newer version"}')
    fresh = await next_one(world)
    await pass_and_read(fresh)
    before = slots(fresh)
    grow = ScaleService(command_id="g", service_id="shop_web", type="scale_to", value=9)
    assert (await fresh.intake.submit(grow)).outcome == "accepted"
    await fresh.settle(1, 2)
    after = slots(fresh)
    assert after["n1"] == before["n1"]
    assert len(after["n1"] + after["n2"]) == 9


async def pass_and_read(world: World) -> None:
    """A pass; and as the control loop does, another one after a reading when it lost a race."""
    try:
        await world.do_pass()
    except RevisionConflict:
        await world.loop.read()
        await world.do_pass()


async def exchange_indices(world: World) -> None:
    for name, index in (("n1", 1), ("n2", 2)):
        record = world.store.nodes[name].model_copy(update={"index": index})
        world.nodes.write(name, encode(record))
    await world.loop.read()
    await world.do_pass()


async def test_what_its_record_wants_is_not_removed_without_a_reason(everywhere: World) -> None:
    before = slots(everywhere)
    await exchange_indices(everywhere)
    await everywhere.do_pass()
    why = "nothing explains why shop_web_2 (node n1), shop_web_1 (node n2) should be removed"
    assert why in everywhere.store.halted_because
    assert slots(everywhere) == before
    accepting = await next_one(everywhere, accepted=everywhere.epoch)
    await accepting.settle(1, 2)
    assert accepting.store.halted_because == ""
    assert slots(accepting) == {"n1": [(1, Wanted.RUNNING)], "n2": [(2, Wanted.RUNNING)]}


async def test_it_goes_on_when_the_reason_is_gone(everywhere: World) -> None:
    records = {name: value for name, (value, _) in everywhere.nodes.values.items()}
    await exchange_indices(everywhere)
    assert everywhere.store.halted_because
    for name, value in records.items():
        everywhere.nodes.write(name, value)
    await everywhere.loop.read()
    await everywhere.do_pass()
    assert everywhere.store.halted_because == ""


async def test_a_machine_that_was_renamed_or_cloned_halts_nobody(everywhere: World) -> None:
    # It has the containers of another node, which is known to have them.
    before = slots(everywhere)
    brought = everywhere.store.reports["n2"].containers
    everywhere.hear(3, *brought)
    await everywhere.do_pass()
    assert everywhere.store.halted_because == ""
    document = everywhere.document(3)
    assert document is not None
    assert [(slot.slot, slot.wanted) for slot in document.slots] == [
        (1, Wanted.ABSENT),
        (3, Wanted.RUNNING),
    ]
    everywhere.obey(3)
    await everywhere.settle(1, 2, 3)
    assert slots(everywhere) == before


async def test_an_order_to_unmount_outlives_its_tombstone(world: World) -> None:
    await free_the_volume(world)
    held = world.document(2)
    assert held is not None
    behind = {"epoch": held.epoch, "generation": held.generation, "mounts": MOUNTED}
    reply = await world.intake.submit(DeleteVolume(command_id="u", name="data"))
    assert reply.outcome == "accepted"
    # The second node is away: what it last said is about an older document.
    for _ in range(5):
        await world.do_pass()
        world.obey(1)
        world.hear(2, **behind)
        await asyncio.sleep(PACE.tombstone_s)
    world.store.volumes.forget("data")
    if "data" in world.volumes.values:
        world.volumes.lose_key("data")
    await world.do_pass()
    assert mounts(world, 2) == {"data": Wanted.ABSENT}
    world.obey(2)
    await world.do_pass()
    assert mounts(world, 2) == {}


async def test_a_tombstone_waits_for_a_document_that_could_not_be_written(world: World) -> None:
    await free_the_volume(world)

    def refuse(key: str) -> None:
        if key == "n2":
            raise InvalidInput(f"desired/{key} is larger than NATS takes")

    world.desired.before_put = refuse
    world.store.last_heard["n2"] -= 60.0
    reply = await world.intake.submit(DeleteVolume(command_id="u", name="data"))
    assert reply.outcome == "accepted"
    await world.settle(1)
    await asyncio.sleep(PACE.tombstone_s + 1)
    world.hear(1)
    await world.do_pass()
    assert mounts(world, 2) == {"data": Wanted.RUNNING}
    world.desired.before_put = lambda _key: None
    await world.settle(1, 2)
    assert mounts(world, 2) == {}
    await asyncio.sleep(PACE.tombstone_s + 1)
    await world.do_pass()
    assert world.volumes.values == {}
