"""What somebody else has written is noticed, though nothing tells the coordinator of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from coordinator.store.evidence import DoubtKind
from schemas.codec import encode
from schemas.command import ScaleService
from tests.builders import a_project
from tests.component.coordinator.world import PACE, World, eventually


@contextlib.asynccontextmanager
async def going(world: World) -> AsyncIterator[None]:
    """The control loop, with an operator who commands nothing."""
    work = asyncio.create_task(world.loop.run(world.epoch, world.settled_since))
    try:
        await eventually(lambda: "settled" in world.meter.passes)
        yield
    finally:
        work.cancel()
        await asyncio.wait({work})


def damage(world: World, way: str) -> None:
    """What happens to the record of `shop`, and leaves a newer sequence in its bucket."""
    if way == "garbage":
        world.projects.write("shop", b"{not json")
    elif way == "another name":
        world.projects.write("shop", encode(a_project(name="other")))
    else:
        world.projects.lose_key("shop")
        world.projects.sequence += 1


WAYS = {
    "garbage": DoubtKind.UNREADABLE,
    "another name": DoubtKind.UNREADABLE,
    "deleted": DoubtKind.LOST,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_damaged_record_is_doubted_within_two_looks(shop: World, way: str) -> None:
    await shop.settle()
    before = dict(shop.desired.values)
    async with going(shop):
        damage(shop, way)
        await asyncio.sleep(2 * PACE.audit_s + PACE.tick_s)
        assert shop.store.doubts["shop"].kind is WAYS[way]
        assert "other" not in shop.store.projects
        assert shop.desired.values == before


async def test_nothing_is_read_again_because_of_our_own_writes(shop: World) -> None:
    await shop.settle()
    async with going(shop):
        await asyncio.sleep(2 * PACE.audit_s)
        readings = shop.store.projects.readings
        for scale in range(2, 40):
            command = ScaleService(
                command_id=f"s{scale}", service_id="shop_web", type="scale_to", value=scale
            )
            assert (await shop.intake.submit(command)).outcome == "accepted"
            await asyncio.sleep(1.0)
        assert shop.store.projects.readings == readings
