"""A coordinator that dies at the worst moment, as by kill -9, and the one after it."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from cli.listening import free_ports
from cli.processes import Child
from coordinator.adapters.buckets import KvBucket
from coordinator.failpoints import FAIL_VARIABLE
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import decode, encode
from schemas.current import Heartbeat
from schemas.desired import NodeDesired
from schemas.states import EngineState
from tests.builders import a_status
from tests.contract.real_bus import RealServer, linked

pytestmark = pytest.mark.bus

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[3]
PROJECT = {"name": "shop", "template": "web: {image: 'web:1'}"}
COMMAND = {"X-Command-Id": "create-1"}


class Process:
    """`python -m coordinator`, always under the same name."""

    def __init__(self, server: RealServer, directory: Path) -> None:
        (port,) = free_ports(HOST, 1)
        self.url = f"http://{HOST}:{port}"
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "TROOPERS_COORDINATOR_NAME": "c1",
            "TROOPERS_COORDINATOR_NATS_URL": server.url("coordinator"),
            "TROOPERS_COORDINATOR_LISTEN": f"{HOST}:{port}",
        }
        self.child = Child(
            "coordinator",
            [sys.executable, "-m", "coordinator"],
            directory,
            ready=lambda: True,
            environment=self._environment,
        )

    def accept_loss(self, epoch: int) -> None:
        """At the next launch."""
        self._environment["TROOPERS_COORDINATOR_ACCEPT_LOSS"] = str(epoch)

    def launch(self, *, fails_at: str = "") -> None:
        self.child.environment = {**self._environment, FAIL_VARIABLE: fails_at}
        self.child.launch()


@pytest.fixture
def process(server: RealServer, tmp_path: Path) -> Iterator[Process]:
    server.start()
    made = Process(server, tmp_path)
    yield made
    made.child.stop()


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


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
            while "n1" not in (found := await desired.snapshot()):  # noqa: ASYNC110 - nor does a bucket
                await asyncio.sleep(0.05)
        document = decode(NodeDesired, found["n1"][0])
        assert [(slot.service, slot.slot) for slot in document.slots] == [("web", 1)]
        beats.cancel()
        await asyncio.wait({beats})


async def be_a_node(link: NatsLink) -> None:
    """A node that lives and does nothing."""
    await KvBucket(link, subjects.STATUS_BUCKET).put("n1", a_status(1, sequence=1), 0)
    beat = Heartbeat(node="n1", boot_id="boot-1", sequence=1, engine=EngineState.READY)
    while True:
        await link.publish(subjects.heartbeat("n1"), encode(beat))
        await asyncio.sleep(0.2)
