"""`DockerEngine` when dockerd answers, but not for some containers: a file server has died."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.docker_engine import DockerEngine
from agent.domain.observation import SeenContainer
from agent.errors import EngineTimeout
from cli.machines import Machine
from tests.contract.engines import OBEDIENT, STUBBORN, RealTrial, create, eventually, run
from tests.integration.agent.relay import Relay

pytestmark = pytest.mark.engine

#: what a look with a known hanging container may take at most: far less than a pass can bear
SHORT_S = 2.0


class Node:
    """An engine behind a relay that lets calls about single containers hang."""

    def __init__(self, relay: Relay, real: RealTrial) -> None:
        self.relay = relay
        self.real = real
        self.engine = DockerEngine(relay.url, read_s=8.0, change_s=8.0)

    def hang(self, *container_ids: str) -> None:
        self.relay.stalled.update(f"/containers/{one}/".encode() for one in container_ids)

    async def look(self) -> tuple[dict[str, SeenContainer], float]:
        """The containers by id, and how long it took to see them."""
        began = time.monotonic()
        seen = await self.engine.containers()
        return {each.id: each for each in seen}, time.monotonic() - began


@pytest.fixture
async def node(real: RealTrial, machine: Machine, tmp_path: Path) -> AsyncIterator[Node]:
    async with Relay(tmp_path / "relay.sock", machine.engine.url) as relay:
        behind = Node(relay, real)
        yield behind
        behind.engine.close()


async def test_a_container_that_hangs_the_engine_hides_no_other(node: Node) -> None:
    hung, other = [await run(node.engine, STUBBORN, slot=slot) for slot in (1, 2)]
    before, _ = await node.look()
    node.hang(hung)
    seen, _ = await node.look()
    assert (seen[hung].is_vague, seen[other].is_vague) == (True, False)
    # What was known of it goes on being shown.
    assert seen[hung].is_running
    assert (seen[hung].started_at, seen[hung].ip) == (before[hung].started_at, before[hung].ip)

    again, took_s = await node.look()
    assert again[hung].is_vague
    assert took_s < SHORT_S

    node.relay.stalled.clear()
    seen, took_s = await node.look()
    assert seen == before
    assert took_s < SHORT_S


async def test_one_never_seen_before_is_shown_as_the_list_has_it(node: Node) -> None:
    hung = await create(node.real.engine, STUBBORN, refresh=2, mounts=(("nas/photos", "i1"),))
    node.hang(hung)
    (seen,) = await node.engine.containers()
    detailed = (await node.real.engine.containers())[0]
    assert seen.is_vague
    for field in ("id", "name", "key", "status", "fingerprint", "version", "refresh", "epoch"):
        assert getattr(seen, field) == getattr(detailed, field)
    assert (seen.mounts, seen.image_id) == (detailed.mounts, detailed.image_id)
    assert abs(seen.created_at - detailed.created_at) < 1.0


async def test_an_end_shows_although_the_container_is_not_answered_for(node: Node) -> None:
    hung = await run(node.engine, STUBBORN)
    await node.look()
    node.hang(hung)
    await node.look()
    await node.real.die(hung)
    seen, _ = await node.look()
    assert (seen[hung].status, seen[hung].is_running, seen[hung].is_vague) == (
        "exited",
        False,
        True,
    )


async def test_many_that_hang_delay_one_look_and_none_after_it(node: Node) -> None:
    shares = (("nas/photos", "i1"),)
    many = [await run(node.engine, STUBBORN, slot=slot, mounts=shares) for slot in range(1, 9)]
    other = await run(node.engine, OBEDIENT, slot=9)
    await node.look()
    node.hang(*many)
    _, took_s = await node.look()
    assert took_s < 5.0
    seen, took_s = await node.look()
    assert took_s < SHORT_S
    assert [each for each in many if not seen[each].is_vague] == []
    assert not seen[other].is_vague


async def test_calls_that_hang_hold_up_no_call_about_others(node: Node) -> None:
    shares = (("nas/photos", "i1"),)
    many = [await run(node.engine, OBEDIENT, slot=slot, mounts=shares) for slot in range(1, 13)]
    other = await run(node.engine, OBEDIENT, slot=13)
    await node.look()
    node.hang(*many)
    hanging: list[asyncio.Task[Any]] = [
        asyncio.create_task(node.engine.stop(each, signal="", timeout_s=1)) for each in many
    ]
    hanging += [
        asyncio.create_task(node.engine.run_probe_command(each, "true", 4)) for each in many[:4]
    ]
    await eventually(lambda: node.relay.held_back > 0)
    began = time.monotonic()
    assert await node.engine.run_probe_command(other, "true", 5) == 0
    await node.engine.stop(other, signal="", timeout_s=5)
    await node.engine.start(other)
    assert time.monotonic() - began < 3.0
    ends = await asyncio.gather(*hanging, return_exceptions=True)
    assert {type(end) for end in ends} == {EngineTimeout}
