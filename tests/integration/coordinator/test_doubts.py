"""Records that are lost, damaged or old, on a real nats-server, with a coordinator that runs or starts.

A real agent over an engine in memory has the containers. Whatever was lost: its document keeps what
it says, no container is touched, and an operator restores the project.
"""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.fleet_nodes import CONNECTED, IMAGE, node_name
from cli.processes import Child
from coordinator.bus.buckets import KvBucket
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import decode
from schemas.desired import NodeDesired
from schemas.states import Wanted
from tests.contract.real_bus import RealServer
from tests.integration.coordinator.process import ROOT, Process, until_ready
from tests.integration.coordinator.test_losses import link_to, refusal

pytestmark = pytest.mark.bus

NODE = node_name(1)
PROJECT = {"name": "shop", "template": f"web: {{image: '{IMAGE}', labels: {{aliyun.scale: '2'}}}}"}


class Scene:
    """One coordinator, one node, one broker."""

    def __init__(
        self, server: RealServer, process: Process, session: aiohttp.ClientSession, store: Path
    ) -> None:
        self.server, self.process, self.session = server, process, session
        self._store = store / "jetstream"

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.process.url}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json(content_type=None)

    async def post(self, path: str, body: object = None) -> tuple[int, str]:
        async with self.session.post(f"{self.process.url}{path}", json=body) as answer:
            return answer.status, await answer.text()

    async def deploy(self) -> None:
        async with asyncio.timeout(30):
            while not any(node["Healthy"] for node in await self.get("/hosts/")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await self.post("/projects/?wait=20", PROJECT))[0] == 201
        await self.until(lambda shop: shop["current_state"] == "running")

    async def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The project, once it is so."""
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(aiohttp.ClientError, AssertionError):
                    shop = await self.get("/projects/shop")
                    if is_so(shop):
                        return shop
                await asyncio.sleep(0.05)

    async def wanted(self) -> list[tuple[int, Wanted]]:
        """The slots of the project in the node's document."""
        async with link_to(self.server) as link:
            found = await KvBucket(link, subjects.DESIRED_BUCKET).get(NODE)
        assert found is not None
        return [(slot.slot, slot.wanted) for slot in decode(NodeDesired, found[0]).slots]

    def restart_broker(self, between: Callable[[], None] = lambda: None) -> None:
        self.server.stop()
        between()
        self.server.start()

    async def restart_coordinator(self) -> None:
        self.process.child.stop()
        self.process.launch()
        await until_ready(self.session, self.process.url)

    def stream(self) -> Path:
        """The directory of the bucket with the projects."""
        (found,) = self._store.rglob(subjects.kv_stream(subjects.PROJECTS_BUCKET))
        return found


@pytest.fixture
async def scene(server: RealServer, process: Process, tmp_path: Path) -> AsyncIterator[Scene]:
    process.launch()
    journal = tmp_path / "node.journal"
    node = Child(
        "node",
        [
            sys.executable,
            "-m",
            "bench.fleet_nodes",
            server.url("coordinator"),
            str(journal),
            "1",
            "1",
        ],
        tmp_path,
        ready=lambda: journal.exists() and CONNECTED in journal.read_text(),
        environment={"PYTHONPATH": str(ROOT)},
    )
    try:
        node.start()
        async with aiohttp.ClientSession() as session:
            await until_ready(session, process.url)
            made = Scene(server, process, session, tmp_path / "nats" / "store")
            await made.deploy()
            yield made
    finally:
        node.stop()


async def lose_the_key(link: NatsLink) -> None:
    """Without a marker, as no bus should."""
    stream = subjects.kv_stream(subjects.PROJECTS_BUCKET)
    key = subjects.kv_key(subjects.PROJECTS_BUCKET, "shop")
    await link.jetstream().purge_stream(stream, subject=key)


async def spoil_the_key(link: NatsLink) -> None:
    key = subjects.kv_key(subjects.PROJECTS_BUCKET, "shop")
    await link.jetstream().publish(key, b'{"name": "shop", "half of')


async def check_and_restore(scene: Scene, kind: str) -> None:
    """Shown, refused, unchanged; restored, and under command again."""
    shop = await scene.until(lambda shown: shown.get("record") == kind)
    assert len(shop["services"][0]["containers"]) == 2
    assert "is in doubt" in shop["reasons"][0]
    status, why = await scene.post("/services/shop_web/scale", {"type": "scale_to", "value": 3})
    assert (status, "/projects/shop/restore" in why) == (503, True)
    assert await scene.wanted() == [(1, Wanted.RUNNING), (2, Wanted.RUNNING)]
    assert "is in doubt" in (await scene.get("/readyz"))["in_doubt"][0]
    async with scene.session.get(f"{scene.process.url}/metrics") as answer:
        assert 'records_in_doubt{noun="project"} 1.0' in await answer.text()
    before = await started(scene)
    assert (await scene.post("/projects/shop/restore"))[0] == 200
    await scene.until(lambda shown: "record" not in shown and shown["current_state"] == "running")
    assert await started(scene) == before
    scaled = await scene.post("/services/shop_web/scale", {"type": "scale_to", "value": 3})
    assert scaled == (200, "")
    assert len(await scene.wanted()) == 3
    assert "in_doubt" not in await scene.get("/readyz")


async def started(scene: Scene) -> set[str]:
    """The containers by id: one that is made anew has another."""
    return set((await scene.get("/projects/shop"))["services"][0]["containers"])


@pytest.mark.parametrize("whose", ["runs", "starts"])
@pytest.mark.parametrize(
    ("damage", "kind"), [(lose_the_key, "lost"), (spoil_the_key, "unreadable")]
)
async def test_a_single_record_is_in_doubt_and_can_be_restored(
    scene: Scene, damage: Callable[[NatsLink], Any], kind: str, whose: str
) -> None:
    async with link_to(scene.server) as link:
        await damage(link)
    if whose == "starts":
        await scene.restart_coordinator()
    else:
        # It reads again whenever its link comes back.
        scene.restart_broker()
    await check_and_restore(scene, kind)


async def test_a_bucket_that_is_gone_halts_who_remembers_it_and_is_lost_to_who_starts(
    scene: Scene,
) -> None:
    directory = scene.stream()
    scene.restart_broker(lambda: shutil.rmtree(directory))
    assert "is empty or gone" in await refusal(scene.session, scene.process.url)
    assert await scene.wanted() == [(1, Wanted.RUNNING), (2, Wanted.RUNNING)]
    await scene.restart_coordinator()
    await check_and_restore(scene, "lost")


async def test_an_old_copy_of_a_bucket_halts_who_remembers_it_and_is_seen_by_who_starts(
    scene: Scene, tmp_path: Path
) -> None:
    directory, copy = scene.stream(), tmp_path / "copy"
    shrunk = {"type": "scale_to", "value": 1}
    assert (await scene.post("/services/shop_web/scale", shrunk))[0] == 200

    def make_a_copy() -> None:
        shutil.copytree(directory, copy)

    scene.restart_broker(make_a_copy)
    grown = {"type": "scale_to", "value": 2}
    async with asyncio.timeout(30):
        # Until the link is back, it is refused.
        while (await scene.post("/services/shop_web/scale", grown))[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    def go_back() -> None:
        shutil.rmtree(directory)
        shutil.copytree(copy, directory)

    scene.restart_broker(go_back)
    assert "NATS has lost data" in await refusal(scene.session, scene.process.url)
    assert await scene.wanted() == [(1, Wanted.RUNNING), (2, Wanted.RUNNING)]
    await scene.restart_coordinator()
    await check_and_restore(scene, "rolled_back")
