"""Records that the bus has lost, or that can't be read: what they were about goes on as it is."""

import pytest

from coordinator import graveyard
from schemas.command import CreateVolume, DeleteProject, DeleteVolume
from schemas.current import MountCurrent
from schemas.errors import InvalidInput
from schemas.states import MountState, Wanted
from tests.component.coordinator.world import World, creation

SHARE = {"diskid": "1", "host": "nas.example", "path": "/abc", "mode": "755"}
MOUNTED = (MountCurrent(name="data", state=MountState.MOUNTED),)


@pytest.fixture
async def world() -> World:
    """Two nodes with a volume, and a service that uses it on each."""
    world = World()
    world.hear(1)
    world.hear(2)
    await world.do_pass()
    create = CreateVolume(command_id="v", name="data", driver="nas", driver_opts=SHARE)
    assert (await world.intake.submit(create)).outcome == "accepted"
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


async def test_an_order_to_unmount_outlives_its_tombstone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await free_the_volume(world)
    held = world.document(2)
    assert held is not None
    behind = {"epoch": held.epoch, "generation": held.generation, "mounts": MOUNTED}
    reply = await world.intake.submit(DeleteVolume(command_id="u", name="data"))
    assert reply.outcome == "accepted"
    monkeypatch.setattr(graveyard, "TOMBSTONE_S", -1.0)
    # The second node is away: what it last said is about an older document.
    for _ in range(5):
        await world.do_pass()
        world.obey(1)
        world.hear(2, **behind)
    world.picture.volumes.clear()
    world.volumes.lose_key("data")
    await world.do_pass()
    assert mounts(world, 2) == {"data": Wanted.ABSENT}
    world.obey(2)
    await world.do_pass()
    assert mounts(world, 2) == {}


async def test_a_tombstone_waits_for_a_document_that_could_not_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await free_the_volume(world)
    monkeypatch.setattr(graveyard, "TOMBSTONE_S", -1.0)

    def refuse(key: str) -> None:
        if key == "n2":
            raise InvalidInput(f"desired/{key} is larger than NATS takes")

    world.desired.before_put = refuse
    world.picture.last_seen["n2"] -= 60.0
    reply = await world.intake.submit(DeleteVolume(command_id="u", name="data"))
    assert reply.outcome == "accepted"
    await world.settle(1)
    await world.do_pass()
    assert mounts(world, 2) == {"data": Wanted.RUNNING}
    world.desired.before_put = lambda _key: None
    await world.settle(1, 2)
    assert mounts(world, 2) == {}
    assert world.volumes.values == {}
