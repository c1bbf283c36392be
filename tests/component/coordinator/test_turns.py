"""However large the cluster, a coordinator that reads or decides goes on listening."""

import asyncio

import pytest

from coordinator.views import slices
from schemas.codec import encode
from schemas.command import StopProject
from schemas.query import ListProjects, ViewProject
from schemas.records import NodeRecord
from schemas.states import Wanted
from tests.builders import a_project, a_service
from tests.component.coordinator.world import World, creation, eventually
from tests.fakes.answers import parsed


@pytest.fixture
async def world() -> World:
    """One node that runs `shop`."""
    world = World()
    world.hear(1)
    await world.intake.submit(creation())
    await world.settle()
    return world


async def test_a_read_decodes_nothing_that_is_remembered_as_it_is(world: World) -> None:
    shop, node = world.store.projects["shop"], world.store.documents["n1"]
    await world.loop.read()
    assert world.store.projects["shop"] is shop
    assert world.store.documents["n1"] is node


async def test_others_have_their_turns_during_a_read_of_a_thousand_records(world: World) -> None:
    for number in range(1000):
        node = NodeRecord(name=f"n{number}", index=number + 1, joined="")
        world.nodes.write(node.name, encode(node))
    read = asyncio.create_task(world.loop.read())
    turns = 0
    while not read.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(world.store.nodes) == 1000
    assert turns > 20


async def test_others_have_their_turns_during_a_pass_over_a_thousand_projects() -> None:
    world = World()
    for index in range(1, 11):
        world.hear(index)
    for number in range(1000):
        record = a_project(a_service("other"), name=f"p{number}")
        world.store.projects.remember(record.name, record, 1)
    work = asyncio.create_task(world.do_pass())
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(world.assigned()) == 1000
    assert turns > 20


async def test_what_is_commanded_during_a_pass_is_carried_out_by_it_or_the_next(
    world: World,
) -> None:
    for number in range(200):
        record = a_project(a_service("other"), name=f"p{number}")
        world.store.projects.remember(record.name, record, 1)
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    await eventually(lambda: 0 < len(world.assigned()) < 200)
    reply = await world.intake.submit(StopProject(command_id="s", name="shop"))
    assert reply.outcome == "accepted"
    await eventually(lambda: world.wants(Wanted.STOPPED))
    work.cancel()
    await asyncio.wait({work})


async def test_a_pass_that_is_cancelled_writes_nothing_more(world: World) -> None:
    await world.intake.submit(StopProject(command_id="s", name="shop"))
    before = dict(world.desired.values)
    gate = world.desired.hold("put")
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    await eventually(lambda: world.desired.values != before)
    stopped = dict(world.desired.values)
    for number in range(200):
        record = a_project(a_service("other"), name=f"p{number}")
        world.store.projects.remember(record.name, record, 1)
    work.cancel()
    await asyncio.wait({work})
    gate.set()
    await asyncio.sleep(1.0)
    assert world.desired.values == stopped


async def test_others_are_answered_while_a_list_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 0.0)
    listing = asyncio.create_task(world.intake.ask(ListProjects()))
    await asyncio.sleep(0)
    assert parsed(await world.intake.ask(ViewProject(name="shop")))["name"] == "shop"
    assert not listing.done()
    assert [each["name"] for each in parsed(await listing)] == ["shop"]
