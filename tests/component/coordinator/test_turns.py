"""However large the cluster, a coordinator that reads or decides goes on listening."""

import asyncio
import threading
from typing import Any

import pytest

from compose.template import compile_template
from coordinator.commands import intake
from coordinator.control import loop as control_loop
from coordinator.control.decision import Consequences, follow
from coordinator.views import slices
from schemas.codec import encode
from schemas.command import StopProject
from schemas.query import ListProjects, ViewProject
from schemas.records import NodeRecord
from schemas.states import Wanted
from tests.component.coordinator.world import LONG_S, World, creation, eventually
from tests.fakes.answers import parsed

#: more than the default pool of threads ever has
MANY = 40


@pytest.fixture
async def world() -> World:
    """One node that runs `shop`."""
    world = World()
    world.hear(1)
    await world.intake.submit(creation())
    await world.settle()
    return world


async def test_a_read_decodes_nothing_that_is_remembered_as_it_is(world: World) -> None:
    shop, node = world.picture.projects["shop"], world.picture.documents["n1"]
    await world.loop.read()
    assert world.picture.projects["shop"] is shop
    assert world.picture.documents["n1"] is node


async def test_others_have_their_turns_during_a_read_of_a_thousand_records(world: World) -> None:
    for number in range(1000):
        node = NodeRecord(name=f"n{number}", index=number + 1, joined="")
        world.nodes.write(node.name, encode(node))
    read = asyncio.create_task(world.loop.read())
    turns = 0
    while not read.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(world.picture.nodes) == 1000
    assert turns > 20


class SlowDecisions:
    """`follow` that takes as long as a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        monkeypatch.setattr(control_loop, "follow", self._follow)

    def _follow(self, *args: Any, **options: Any) -> Consequences:
        self.begun.set()
        assert self.may_end.wait(LONG_S), "nobody else had a turn"
        return follow(*args, **options)


async def test_what_is_commanded_while_a_pass_decides_is_carried_out_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowDecisions(monkeypatch)
    world.picture.touch()
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    await eventually(slow.begun.is_set)
    reply = await world.intake.submit(StopProject(command_id="s", name="shop"))
    assert reply.outcome == "accepted"
    slow.may_end.set()
    await eventually(lambda: world.wants(Wanted.STOPPED))
    work.cancel()
    await asyncio.wait({work})


async def test_a_pass_that_is_cancelled_while_it_decides_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowDecisions(monkeypatch)
    await world.intake.submit(StopProject(command_id="s", name="shop"))
    before = dict(world.desired.values)
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    await eventually(slow.begun.is_set)
    work.cancel()
    await asyncio.wait({work})
    slow.may_end.set()
    await asyncio.sleep(0.05)
    assert world.desired.values == before


async def test_others_are_answered_while_a_list_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 0.0)
    listing = asyncio.create_task(world.intake.ask(ListProjects()))
    await asyncio.sleep(0)
    assert parsed(await world.intake.ask(ViewProject(name="shop")))["name"] == "shop"
    assert not listing.done()
    assert [each["name"] for each in parsed(await listing)] == ["shop"]


async def test_passes_wait_for_no_template(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, may_end = threading.Lock(), threading.Event()
    at_once, most = 0, 0

    def slow(*args: Any, **options: Any) -> Any:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        assert may_end.wait(LONG_S), "no pass was made meanwhile"
        with lock:
            at_once -= 1
        return compile_template(*args, **options)

    monkeypatch.setattr(intake, "compile_template", slow)
    creations = [
        asyncio.create_task(world.intake.submit(creation(f"c-{number}", f"p{number}")))
        for number in range(MANY)
    ]
    await eventually(lambda: at_once > 0)
    async with asyncio.timeout(LONG_S / 2):
        await world.intake.submit(StopProject(command_id="s", name="shop"))
        await world.do_pass()
    assert world.wants(Wanted.STOPPED)
    may_end.set()
    assert {(await each).outcome for each in creations} == {"accepted"}
    assert most <= intake.TEMPLATES_AT_ONCE
