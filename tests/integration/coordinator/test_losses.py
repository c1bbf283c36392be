"""A store that comes back empty, under a coordinator and before one, on a real nats-server."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from coordinator.bus.buckets import KvBucket
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import encode
from schemas.current import Heartbeat
from schemas.states import EngineState
from tests.contract.real_bus import RealServer, a_link, running, until_connected
from tests.integration.coordinator.process import Process, until_ready
from tests.integration.coordinator.test_failpoints import PROJECT

pytestmark = pytest.mark.bus

#: what agents hold that have lost their bus
EPOCH = 500


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@contextlib.asynccontextmanager
async def link_to(server: RealServer) -> AsyncIterator[NatsLink]:
    """A link that makes nothing on the server."""
    link = a_link(server.url("coordinator"), "test")
    async with running(link):
        await until_connected(lambda: link.is_connected)
        yield link


@contextlib.asynccontextmanager
async def an_agent_of_before(link: NatsLink) -> AsyncIterator[None]:
    """It goes on with the orders that it holds."""
    beat = Heartbeat(
        node="n1", boot_id="b", engine=EngineState.READY, epoch=EPOCH, generation=3, sequence=0
    )

    async def live() -> None:
        while True:
            await link.publish(subjects.heartbeat("n1"), encode(beat))
            await asyncio.sleep(0.1)

    work = asyncio.create_task(live())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.wait({work})


async def refusal(session: aiohttp.ClientSession, url: str) -> str:
    """What `/readyz` says once it speaks of lost data."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/readyz") as answer:
                    said = await answer.text()
                    if answer.status == 503 and "NATS has lost data" in said:
                        return said
            await asyncio.sleep(0.05)


async def test_a_store_that_comes_back_empty_is_not_made_anew_by_who_remembers_it(
    server: RealServer, process: Process, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    process.launch()
    await until_ready(session, process.url)
    async with session.post(f"{process.url}/projects/", json=PROJECT) as answer:
        assert answer.status == 201
    server.kill()
    shutil.rmtree(tmp_path / "nats" / "store")
    server.start()
    assert "is empty or gone" in await refusal(session, process.url)
    async with session.delete(f"{process.url}/projects/shop") as answer:
        assert answer.status == 503
        assert "NATS has lost data" in await answer.text()
    async with session.get(f"{process.url}/projects/shop") as answer:
        assert answer.status == 200
    async with link_to(server) as link:
        assert await KvBucket(link, subjects.PROJECTS_BUCKET).newest() == 0


async def test_agents_that_hold_more_than_an_empty_store_halt_it_until_that_is_accepted(
    server: RealServer, process: Process, session: aiohttp.ClientSession
) -> None:
    async with link_to(server) as link, an_agent_of_before(link):
        process.launch()
        assert f"TROOPERS_COORDINATOR_ACCEPT_LOSS={EPOCH}" in await refusal(session, process.url)
        async with session.get(f"{process.url}/metrics") as answer:
            assert "troopers_coordinator_halted 1.0" in await answer.text()
        process.child.stop()
        process.accept_loss(EPOCH)
        process.launch()
        await until_ready(session, process.url)
        assert await KvBucket(link, subjects.LEASE_BUCKET).newest() > EPOCH
        async with session.post(f"{process.url}/projects/", json=PROJECT) as answer:
            assert answer.status == 201
