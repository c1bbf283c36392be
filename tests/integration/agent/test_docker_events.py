"""`DockerEvents` and an engine whose stream is cut, floods, hangs or isn't there."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from agent.adapters import docker_events
from agent.adapters.docker_events import DockerEvents
from agent.errors import EngineTimeout, EngineUnavailable
from agent.ports import EngineEvents
from cli.machines import Machine
from schemas.errors import Transient
from schemas.service import Healthcheck
from tests.contract.engines import OBEDIENT, STUBBORN, RealTrial, create, eventually, run
from tests.integration.agent.relay import Relay

pytestmark = pytest.mark.engine


def readers() -> int:
    return sum(thread.name == "engine-events" for thread in threading.enumerate())


async def follow(events: EngineEvents, listening: asyncio.Event, heard: list[str]) -> None:
    """Until the stream's end."""
    async with events.subscribe() as stream:
        listening.set()
        try:
            async for event in stream:
                heard += [event.action]
        except Transient:
            heard.append("fault")


async def test_a_stream_that_is_cut_ends(real: RealTrial, machine: Machine, tmp_path: Path) -> None:
    async with Relay(tmp_path / "engine.sock", machine.engine.url) as relay:
        listening, heard = asyncio.Event(), list[str]()
        following = asyncio.create_task(follow(DockerEvents(relay.url), listening, heard))
        await listening.wait()
        await create(real.engine, STUBBORN)
        await eventually(lambda: bool(heard))
        await relay.cut()
        async with asyncio.timeout(5):
            await following
    assert heard[0] == "create"
    assert heard[1:] in ([], ["fault"])
    await eventually(lambda: readers() == 0, within_s=1)


async def test_a_stream_ends_with_its_engine(real: RealTrial, machine: Machine) -> None:
    listening = asyncio.Event()
    following = asyncio.create_task(follow(real.events, listening, []))
    await listening.wait()
    machine.dockerd.kill()
    async with asyncio.timeout(5):
        await following
    await eventually(lambda: readers() == 0, within_s=1)


async def test_no_engine_is_told_on_entering(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable):
        async with DockerEvents(f"unix://{tmp_path}/nothing.sock").subscribe():
            pass
    await eventually(lambda: readers() == 0, within_s=1)


async def test_a_hung_engine_is_told_on_entering(real: RealTrial, machine: Machine) -> None:
    machine.dockerd.pause()
    began = time.monotonic()
    with pytest.raises(EngineTimeout):
        async with DockerEvents(machine.engine.url, head_s=1.0).subscribe():
            pass
    assert time.monotonic() - began < 3
    machine.dockerd.resume()
    await eventually(lambda: readers() == 0, within_s=3)


async def test_leaving_gives_the_thread_back_while_the_stream_is_silent(real: RealTrial) -> None:
    for _ in range(20):
        began = time.monotonic()
        async with real.events.subscribe():
            assert readers() == 1
        assert time.monotonic() - began < 1
        await eventually(lambda: readers() == 0, within_s=1)


async def test_entering_can_be_cancelled_while_the_engine_hangs(
    real: RealTrial, machine: Machine
) -> None:
    machine.dockerd.pause()
    listening = asyncio.Event()
    events = DockerEvents(machine.engine.url, head_s=1.0)
    following = asyncio.create_task(follow(events, listening, []))
    await eventually(lambda: readers() == 1)
    following.cancel()
    done, _ = await asyncio.wait({following}, timeout=0.5)
    assert done
    machine.dockerd.resume()
    await eventually(lambda: readers() == 0, within_s=3)


async def test_a_reader_that_is_too_far_behind_is_disconnected(
    real: RealTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_events, "_WAITING_MAX", 3)
    async with real.events.subscribe() as stream:
        for slot in range(1, 7):
            await create(real.engine, STUBBORN, slot=slot)
        await eventually(lambda: readers() == 0)
        heard = [event.action async for event in stream]
    assert heard == ["create"] * 3


async def test_health_is_told_and_commands_inside_are_not(real: RealTrial) -> None:
    check = Healthcheck(test=("CMD-SHELL", "true"), interval_s=0.2)
    async with real.events.subscribe() as stream:
        container_id = await run(real.engine, OBEDIENT.model_copy(update={"healthcheck": check}))
        await real.engine.run_probe_command(container_id, "true", 5)
        heard: list[str] = []
        async with asyncio.timeout(5):
            async for event in stream:
                heard.append(event.action)
                if event.action.startswith("health_status"):
                    break
    assert heard == ["create", "start", "health_status: healthy"]
