"""A coordinator of its own for every test."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.component.coordinator.world import World, creation


@pytest.fixture(autouse=True)
def _worlds_end() -> Iterator[None]:
    yield
    while World.made:
        World.made.pop().loop.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def shop() -> World:
    """One node that runs `shop`."""
    world = World()
    world.hear(1)
    await world.intake.submit(creation())
    await world.settle()
    return world


@pytest.fixture
async def live(world: World) -> AsyncIterator[World]:
    """One ready node, and the control loop at work."""
    world.hear(1)
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    yield world
    work.cancel()
    await asyncio.wait({work})
