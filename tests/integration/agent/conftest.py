"""Adapters on real parts, where a fake can't play along: faults, and what the engine made of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.adapters.bus import NatsBus
from cli.machines import Machine
from tests.contract.engines import RealTrial
from tests.contract.real_bus import Coordinator, RealServer


@pytest.fixture
def real(machine: Machine, tmp_path: Path) -> Iterator[RealTrial]:
    trial = RealTrial(machine, tmp_path)
    try:
        yield trial
    finally:
        trial.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    """A nats-server that is not started yet."""
    made = RealServer(tmp_path / "nats")
    yield made
    made.stop()


@pytest.fixture
async def coordinator(server: RealServer) -> AsyncIterator[Coordinator]:
    server.start()
    async with Coordinator(server) as made:
        yield made


@pytest.fixture
async def bus(server: RealServer) -> AsyncIterator[NatsBus]:
    """Node n1's bus, running; connected as soon as there is a server."""
    made = NatsBus(server.url("n1"), "n1", spread_s=0.1)
    link = asyncio.create_task(made.run())
    yield made
    link.cancel()
    await asyncio.wait({link})
    assert link.cancelled()
