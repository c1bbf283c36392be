"""A node in memory: the agent's real loop over a fake engine, bus and probe."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from agent.app import Agent, World
from agent.domain.status import Identity
from schemas.current import NodeCurrent
from schemas.desired import NodeDesired
from tests.fakes.bus import FakeBus
from tests.fakes.clock import wall_clock
from tests.fakes.engine import FakeEngine
from tests.fakes.ledger import FakeLedger
from tests.fakes.mounts import FakeMounts
from tests.fakes.probe import FakeProbe


class _Done(Exception):
    """Ends the task group of a node."""


class FakeNode:
    """Everything of `agent.app` but the adapters."""

    def __init__(self, ledger: FakeLedger | None = None, engine: FakeEngine | None = None) -> None:
        self.engine = engine or FakeEngine(clock=wall_clock, images=("web:1", "web:2"))
        self.bus = FakeBus()
        self.ledger = ledger or FakeLedger()
        self.probe = FakeProbe()
        self.mounts = FakeMounts()

    async def __aenter__(self) -> Self:
        identity = Identity("n1", "boot-1", "0.1.0", "10.0.0.1")
        self.tasks = asyncio.TaskGroup()
        await self.tasks.__aenter__()
        world = World(
            engine=self.engine,
            events=self.engine,
            probe=self.probe,
            bus=self.bus,
            ledger=self.ledger,
            mounts=self.mounts,
            mount_base=self.mounts.base,
            clock=wall_clock,
        )
        self.agent = Agent(identity, world, self.tasks)
        self.agent.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.tasks.__aexit__(_Done, _Done(), None)
        except* _Done:
            pass

    @property
    def status(self) -> NodeCurrent:
        return self.bus.statuses[-1]

    async def order(self, document: NodeDesired) -> None:
        """Give orders and let the agent carry them out."""
        self.bus.put_desired(document)
        await self.until(
            lambda: self.status.generation == document.generation and self.status.settled
        )

    async def until(self, condition: Callable[[], bool], timeout_s: float = 1000.0) -> float:
        """Let time pass until it is so; returns how much of it."""
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        async with asyncio.timeout(timeout_s):
            # Any change of the fakes may be what is waited for, and looking costs no time.
            while not (self.bus.statuses and condition()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return loop.time() - began_at
