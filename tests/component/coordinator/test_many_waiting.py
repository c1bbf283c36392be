"""Many who wait, for one operation and for many."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from coordinator.commands.progress import progress
from coordinator.store.placements import Placement
from schemas.command import AnyCommand, StartProject
from schemas.reply import Progress, Reply
from tests.builders import a_container
from tests.component.coordinator.world import LONG_S, World, creation, eventually

TWO = "web: {image: 'web:1', labels: {aliyun.scale: '2'}}"


class Calls:
    """Counts how often something is called."""

    def __init__(self, called: Callable[..., Any]) -> None:
        self.number, self._called = 0, called

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.number += 1
        return self._called(*args, **options)


async def begin(world: World, *commands: AnyCommand) -> list["asyncio.Task[Reply]"]:
    """Each of the commands, sent fifty times."""
    waiting = [
        asyncio.create_task(world.intake.submit(command)) for command in commands for _ in range(50)
    ]
    await eventually(
        lambda: (
            {command.target for command in commands}
            == world.projects.values.keys() | world.volumes.values.keys()
        )
    )
    await asyncio.sleep(0.01)
    return waiting


async def end(waiting: list["asyncio.Task[Reply]"]) -> None:
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


async def test_at_a_change_an_operation_is_looked_at_once_however_many_wait_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hear(1)
    await world.do_pass()
    waiting = await begin(world, creation(wait=LONG_S))
    looks = Calls(progress)
    monkeypatch.setattr("coordinator.commands.waiting.progress", looks)
    world.hear(1, a_container(), settled=False)
    await eventually(lambda: looks.number > 0)
    await asyncio.sleep(0.01)
    assert looks.number == 1
    await end(waiting)


async def test_a_change_of_one_project_wakes_nobody_who_waits_for_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hear(1)
    await world.do_pass()
    waiting = await begin(world, *(creation(wait=LONG_S, name=f"p{number}") for number in range(5)))
    await world.do_pass()
    looks = Calls(progress)
    monkeypatch.setattr("coordinator.commands.waiting.progress", looks)
    world.store.placements.set("p3", Placement())
    await eventually(lambda: looks.number > 0)
    await asyncio.sleep(0.01)
    assert looks.number == 1
    await end(waiting)


@pytest.mark.parametrize("seed", range(4))
async def test_everybody_notices_the_end_of_what_they_wait_for(live: World, seed: int) -> None:
    dice = random.Random(seed)
    live.hear(2)

    async def be_node(index: int) -> None:
        """Obeys a little after it is told to, and is silent while nothing is asked of it."""
        obeyed = None
        while True:
            if live.document(index) != obeyed:
                for _ in range(dice.randrange(8)):
                    await asyncio.sleep(0)
                obeyed = live.document(index)
                live.obey(index)
            await asyncio.sleep(0.001)

    async def send(number: int) -> list[Progress | None]:
        await asyncio.sleep(dice.random() / 20)
        name = f"p{number % 7}"
        created = creation(wait=LONG_S, name=name, template=TWO)
        start = StartProject(command_id=f"s-{number}", name=name, wait=LONG_S)
        return [(await live.intake.submit(each)).progress for each in (created, start)]

    nodes = [asyncio.create_task(be_node(index)) for index in (1, 2)]
    async with asyncio.timeout(LONG_S / 2):
        ends = await asyncio.gather(*(send(number) for number in range(40)))
    assert ends == [[Progress.DONE, Progress.DONE]] * 40
    for node in nodes:
        node.cancel()
    await asyncio.wait(nodes)
