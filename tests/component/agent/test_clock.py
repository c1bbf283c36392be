"""A node whose clock is set: what waits goes on as if it had not been."""

import asyncio

from agent.domain.observation import SeenContainer
from agent.prober import Prober, Target
from schemas.names import SlotKey
from schemas.service import Probe
from tests.fakes.clock import wall_clock
from tests.fakes.probe import FakeProbe


async def test_a_clock_that_is_set_back_holds_up_no_first_probe() -> None:
    container = SeenContainer(
        id="4f0e",
        name="shop_web_1",
        key=SlotKey("shop", "web", 1),
        status="running",
        started_at=wall_clock() + 3600.0,
    )
    probe = FakeProbe()
    async with asyncio.TaskGroup() as tasks:
        prober = Prober(probe, tasks, lambda: None, wall_clock)
        prober.watch([Target(container, Probe(cmd="check", initial_delay_s=5.0))])
        await asyncio.sleep(4)
        assert probe.checks == []
        await asyncio.sleep(2)
        assert probe.checks == ["shop_web_1"]
        prober.watch([])
