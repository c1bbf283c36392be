"""A cluster of three brokers: one may die at any time; without two nothing is written, and said so."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from coordinator.bus.buckets import KvBucket
from coordinator.bus.stores import Stores
from coordinator.errors import BusUnavailable
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.records import NodeRecord
from tests.contract.real_bus import a_link, running
from tests.integration.coordinator.process import Process
from tests.integration.daemon.nats_cluster import NatsCluster

pytestmark = [pytest.mark.bus, pytest.mark.long]

STREAM = subjects.kv_stream(subjects.NODES_BUCKET)
RECORD = NodeRecord(name="n1", index=1, joined="now")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[NatsCluster]:
    made = NatsCluster(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def link(cluster: NatsCluster) -> AsyncIterator[NatsLink]:
    """Once every bucket and stream is kept three times."""
    made, found = a_link(cluster.urls), asyncio.Event()
    stores = asyncio.create_task(Stores(made, replicas=3).keep(found.set))
    async with running(made):
        async with asyncio.timeout(30):
            await found.wait()
        yield made
    stores.cancel()
    await asyncio.wait({stores})


def port_of(link: NatsLink) -> int:
    url = link.client.connected_url
    assert url
    assert url.port
    return int(url.port)


async def insist(bucket: KvBucket, key: str) -> float:
    """Write until it works: how long it took (s)."""
    began = time.monotonic()
    async with asyncio.timeout(30):
        while True:
            try:
                await bucket.put(key, RECORD, 0)
            except BusUnavailable:
                await asyncio.sleep(0.1)
            else:
                return time.monotonic() - began


async def keys(bucket: KvBucket) -> set[str]:
    """As the stream's leader has them: a server that has just come back may know fewer."""
    async with asyncio.timeout(30):
        while True:
            try:
                return set(await bucket.snapshot(await bucket.newest()))
            except BusUnavailable:
                await asyncio.sleep(0.1)


async def test_any_server_may_die_and_without_two_of_three_writes_fail_and_come_back(
    cluster: NatsCluster, link: NatsLink
) -> None:
    bucket = KvBucket(link, subjects.NODES_BUCKET)
    await insist(bucket, "n1")

    mine = port_of(link)
    cluster.servers[mine].kill()
    await insist(bucket, "n2")
    assert port_of(link) != mine
    cluster.servers[mine].start()

    leader = await cluster.leader(link, STREAM)
    cluster.servers[leader].kill()
    await insist(bucket, "n3")
    assert await keys(bucket) == {"n1", "n2", "n3"}

    other = next(port for port in cluster.servers if port not in {leader, port_of(link)})
    cluster.servers[other].kill()
    with pytest.raises(BusUnavailable):
        await bucket.put("n4", RECORD, 0)
    cluster.servers[leader].start()
    await insist(bucket, "last")
    assert {"n1", "n2", "n3", "last"} <= await keys(bucket)


async def test_a_coordinator_without_a_majority_answers_503_and_goes_on_when_it_is_back(
    cluster: NatsCluster, tmp_path: Path
) -> None:
    environment = {"TROOPERS_COORDINATOR_REPLICAS": "3"}
    coordinator = Process(cluster.urls, tmp_path, environment)
    process = coordinator.child
    process.start()
    try:
        async with aiohttp.ClientSession(coordinator.url) as session:
            await until_status(session, "one", 201)
            dead = list(cluster.servers.values())[:2]
            for server in dead:
                server.kill()
            status, text = await create(session, "two")
            assert (status, "NATS" in text) == (503, True)
            dead[0].start()
            # The first attempt may have been stored without anybody hearing of it.
            await until_status(session, "two", 201, 409)
            assert process.is_alive
    finally:
        process.stop()


async def create(session: aiohttp.ClientSession, name: str) -> tuple[int, str]:
    project = {"name": name, "template": "web: {image: 'web:1'}"}
    async with session.post("/projects/?wait=0", json=project) as answer:
        return answer.status, await answer.text()


async def until_status(session: aiohttp.ClientSession, name: str, *wanted: int) -> None:
    async with asyncio.timeout(60):
        while True:
            status, text = await create(session, name)
            if status in wanted:
                return
            assert status == 503, text
            await asyncio.sleep(0.1)
