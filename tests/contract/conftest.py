"""Both kinds of every part: the fake always, the real one with the mark of its kind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.adapters.bus import NatsBus
from agent.ports import Bus
from tests.contract.buses import BusTrial, FakeBusTrial, RealBusTrial
from tests.contract.engines import FakeTrial, RealTrial, Trial
from tests.contract.real_bus import Coordinator, RealServer, until_connected


@pytest.fixture(params=["fake", pytest.param("dockerd", marks=pytest.mark.engine)])
async def trial(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Trial]:
    if request.param == "fake":
        yield FakeTrial()
        return
    real = RealTrial(request.getfixturevalue("machine"), tmp_path)
    try:
        yield real
    finally:
        real.close()


@pytest.fixture(params=["fake", pytest.param("nats-server", marks=pytest.mark.bus)])
async def bus_trial(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BusTrial]:
    """Node n1's bus, with the verbs echo, slow, and hurry, which slow's answer waits for."""
    if request.param == "fake":
        fake = FakeBusTrial()
        _answer(fake.bus)
        yield fake
        return
    server = RealServer(tmp_path / "nats")
    server.start()
    bus = NatsBus(server.url("n1"), "n1")
    _answer(bus)
    link = asyncio.create_task(bus.run())
    try:
        async with Coordinator(server) as coordinator:
            await until_connected(lambda: bus.is_connected)
            yield RealBusTrial(bus, server, coordinator)
    finally:
        link.cancel()
        await asyncio.wait({link})
        server.stop()


def _answer(bus: Bus) -> None:
    async def echo(payload: bytes) -> bytes:
        return b"answer to " + payload

    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_payload: bytes) -> bytes:
        begun.set()
        await may_end.wait()
        return b"at last"

    async def hurry(_payload: bytes) -> bytes:
        await begun.wait()
        may_end.set()
        return b"it may end"

    bus.on_request("echo", echo)
    bus.on_request("slow", slow)
    bus.on_request("hurry", hurry)
