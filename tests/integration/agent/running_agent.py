"""The whole agent of node n1 over a real engine; all else is fake."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.app import Agent, World
from agent.domain.status import Identity
from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from tests.contract.engines import RealTrial
from tests.fakes.bus import FakeBus
from tests.fakes.ledger import FakeLedger
from tests.fakes.mounts import FakeMounts
from tests.fakes.probe import FakeProbe


@dataclass
class RunningAgent:
    """The agent of node n1 over a real engine."""

    bus: FakeBus

    @property
    def status(self) -> NodeCurrent:
        return self.bus.statuses[-1]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not (self.bus.statuses and is_so()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def order(self, document: NodeDesired) -> None:
        self.bus.put_desired(document)
        await self.until(
            lambda: self.status.generation == document.generation and self.status.settled
        )


@asynccontextmanager
async def an_agent(real: RealTrial) -> AsyncIterator[RunningAgent]:
    bus, mounts = FakeBus(), FakeMounts()
    world = World(
        engine=real.engine,
        events=real.events,
        probe=FakeProbe(),
        bus=bus,
        ledger=FakeLedger(),
        mounts=mounts,
        mount_base=mounts.base,
        clock=time.time,
    )
    ended = asyncio.Event()

    class _Done(Exception):
        pass

    async def end() -> None:
        await ended.wait()
        raise _Done

    try:
        async with asyncio.TaskGroup() as tasks:
            Agent(Identity("n1", "boot-1", "0.1.0", "10.0.0.1"), world, tasks).start()
            tasks.create_task(end())
            try:
                yield RunningAgent(bus)
            finally:
                ended.set()
    except* _Done:
        pass
