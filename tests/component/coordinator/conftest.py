"""A coordinator of its own for every test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from coordinator.store.invariants import validate
from coordinator.store.store import Buckets, Store
from tests.component.coordinator.world import World, creation
from tests.fakes.clock import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Waits take no time here."""
    return {"virtual": VirtualTimeLoop}


@pytest.fixture(autouse=True)
def every_store_is_valid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test has done, no store contradicts itself."""
    made: list[Store] = []
    begin = Store.__init__

    def noted(store: Store, buckets: Buckets) -> None:
        begin(store, buckets)
        made.append(store)

    monkeypatch.setattr(Store, "__init__", noted)
    yield
    for store in made:
        validate(store)


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
