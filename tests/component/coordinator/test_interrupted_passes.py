"""Passes that end before everything is done: they go on where they were, as soon as they can."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from coordinator.placement import scheduler
from coordinator.placement.demand import Demand, settle
from schemas.command import ScaleService
from tests.component.coordinator.world import PACE, World, creation, eventually


async def test_what_waits_for_its_turn_to_be_written_is_not_decided_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(pace=replace(PACE, documents=1))
    for index in (1, 2):
        world.hear(index)
    settled: list[str] = []

    def noting(demand: Demand, *arguments: Any, **options: Any) -> None:
        settled.append(demand.key[1])
        settle(demand, *arguments, **options)

    monkeypatch.setattr(scheduler, "settle", noting)
    await world.intake.submit(creation())
    await world.intake.submit(
        ScaleService(command_id="s", service_id="shop_web", type="scale_to", value=2)
    )
    gate = world.desired.hold("put")
    work = asyncio.create_task(world.do_pass())
    # The first of two documents takes longer than a pass may.
    await asyncio.sleep(2 * PACE.tick_s)
    world.desired.release("put")
    gate.set()
    await work
    assert len(world.desired.values) == 1
    assert settled
    settled.clear()
    await world.do_pass()
    assert len(world.desired.values) == 2
    assert settled == []


async def test_everything_is_read_again_as_soon_as_the_bus_is_said_to_be_back(shop: World) -> None:
    shop.projects.is_down = True
    shop.loop.reread_and_wake()
    tried, now = len(shop.projects.calls), asyncio.get_running_loop().time
    work = asyncio.create_task(shop.loop.run(shop.epoch, shop.settled_since))
    await eventually(lambda: len(shop.projects.calls) > tried)
    await asyncio.sleep(0.01)
    shop.projects.is_down, back_at = False, now()
    shop.loop.bus_is_back()
    await eventually(lambda: "settled" in shop.meter.passes)
    assert now() - back_at < PACE.retry_s / 2
    work.cancel()
    await asyncio.wait({work})
