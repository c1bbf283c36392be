"""What takes long is done in threads, and holds up nobody."""

import asyncio
import threading
from typing import Any

import pytest

from compose.template import compile_template
from coordinator.commands import compiling
from schemas.command import StopProject
from schemas.states import Wanted
from tests.component.coordinator.world import LONG_S, World, creation, eventually

#: more than the default pool of threads ever has
MANY = 40


@pytest.fixture
async def world() -> World:
    """One node that runs `shop`."""
    world = World(offload=asyncio.to_thread)
    world.hear(1)
    await world.intake.submit(creation())
    await world.settle()
    return world


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

    monkeypatch.setattr(compiling, "compile_template", slow)
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
    assert most <= compiling.TEMPLATES_AT_ONCE
