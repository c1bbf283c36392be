"""A coordinator that dies at the worst moment, as by kill -9, and the one after it."""

import asyncio
import contextlib

import aiohttp
import pytest

from coordinator.bus.buckets import KvBucket
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import decode, encode
from schemas.current import Heartbeat
from schemas.desired import NodeDesired
from schemas.states import EngineState
from tests.builders import a_status
from tests.contract.real_bus import RealServer, linked
from tests.integration.coordinator.process import Process, until_ready

pytestmark = pytest.mark.bus

PROJECT = {"name": "shop", "template": "web: {image: 'web:1'}"}
COMMAND = {"X-Command-Id": "create-1"}


async def names(session: aiohttp.ClientSession, url: str) -> list[str]:
    async with session.get(f"{url}/projects/") as answer:
        return [project["name"] for project in await answer.json()]


async def create(session: aiohttp.ClientSession, url: str) -> int:
    async with session.post(f"{url}/projects/?wait=0", json=PROJECT, headers=COMMAND) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("failpoint", "is_saved"), [("before_record_put", False), ("after_record_put", True)]
)
async def test_a_command_whose_coordinator_died_happened_once_or_not_at_all(
    process: Process, failpoint: str, is_saved: bool
) -> None:
    process.launch(fails_at=failpoint)
    async with aiohttp.ClientSession() as session:
        await until_ready(session, process.url)
        with pytest.raises(aiohttp.ClientError):
            await create(session, process.url)
        async with asyncio.timeout(10):
            while process.child.is_alive:  # noqa: ASYNC110 - a process sets no event
                await asyncio.sleep(0.01)

        process.launch()
        await until_ready(session, process.url)
        assert await names(session, process.url) == (["shop"] if is_saved else [])
        # The publisher asks again with the same id, as it should after a lost connection.
        assert await create(session, process.url) == 201
        assert await create(session, process.url) == 201
        assert await names(session, process.url) == ["shop"]


@pytest.mark.parametrize("failpoint", ["before_desired_put", "after_desired_put"])
async def test_an_accepted_command_is_carried_out_once_by_the_next_coordinator(
    process: Process, server: RealServer, failpoint: str
) -> None:
    async with linked(server, "n1") as link:
        beats = asyncio.create_task(be_a_node(link))
        process.launch(fails_at=failpoint)
        async with aiohttp.ClientSession() as session:
            await until_ready(session, process.url)
            # It may die before it has answered, or after.
            with contextlib.suppress(aiohttp.ClientError):
                await create(session, process.url)
            async with asyncio.timeout(30):
                while process.child.is_alive:  # noqa: ASYNC110 - a process sets no event
                    await asyncio.sleep(0.01)

            process.launch()
            await until_ready(session, process.url)
            assert await create(session, process.url) == 201
        desired = KvBucket(link, subjects.DESIRED_BUCKET)
        async with asyncio.timeout(30):
            # A node has an empty document as soon as it has joined.
            while not (slots := await slots_of("n1", desired)):  # noqa: ASYNC110 - nor does a bucket
                await asyncio.sleep(0.05)
        assert slots == [("web", 1)]
        beats.cancel()
        await asyncio.wait({beats})


async def slots_of(node: str, desired: KvBucket) -> list[tuple[str, int]]:
    held = (await desired.snapshot()).get(node)
    document = decode(NodeDesired, held[0]) if held else None
    return [(slot.service, slot.slot) for slot in document.slots] if document else []


async def be_a_node(link: NatsLink) -> None:
    """A node that lives and does nothing."""
    await KvBucket(link, subjects.STATUS_BUCKET).put("n1", a_status(1, sequence=1), 0)
    beat = Heartbeat(node="n1", boot_id="boot-1", sequence=1, engine=EngineState.READY)
    while True:
        await link.publish(subjects.heartbeat("n1"), encode(beat))
        await asyncio.sleep(0.2)
