"""What every `ContainerEngine` promises about containers."""

import asyncio
import time

import pytest

from agent.domain.observation import SeenContainer
from agent.errors import ContainerRejected, ImageNotFound, PortTaken
from agent.ports import ContainerEngine
from schemas.errors import Permanent, Transient
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.service import NetworkAttachment, Port, ServiceSpec, VolumeMount
from schemas.states import Health
from tests.contract.engines import (
    EXITING,
    NETWORK,
    OBEDIENT,
    STUBBORN,
    Trial,
    create,
    run,
    until_obedient,
)


async def the_one(engine: ContainerEngine) -> SeenContainer:
    (seen,) = await engine.containers()
    return seen


async def once_ended(engine: ContainerEngine) -> SeenContainer:
    async with asyncio.timeout(10):
        while True:
            seen = await the_one(engine)
            if seen.status == "exited":
                return seen
            await asyncio.sleep(0.02)


async def test_an_engine_says_what_it_is(trial: Trial) -> None:
    facts = await trial.engine.facts()
    assert facts.version
    assert facts.api_version
    assert facts.cpus >= 1
    assert facts.memory_bytes > 2**20


async def test_an_engine_without_our_containers_shows_none(trial: Trial) -> None:
    await trial.hold_name("somebody-elses")
    assert await trial.engine.containers() == ()


async def test_a_created_container_shows_its_labels_and_does_not_run(trial: Trial) -> None:
    before = time.time()
    container_id = await create(trial.engine, OBEDIENT, refresh=2)
    seen = await the_one(trial.engine)
    assert (seen.id, seen.name, seen.key) == (container_id, "shop_web_1", SlotKey("shop", "web", 1))
    assert (seen.status, seen.is_running) == ("created", False)
    assert (seen.fingerprint, seen.version) == (fingerprint(OBEDIENT), "1.0")
    assert (seen.refresh, seen.epoch) == (2, 3)
    assert seen.image == "box:1"
    assert seen.image_id == (await trial.engine.images(["box:1"]))["box:1"]
    assert (seen.started_at, seen.finished_at, seen.exit_code) == (None, None, None)
    assert (seen.ip, dict(seen.ports), seen.health) == ("", {}, Health.NONE)
    assert before - 1 <= seen.created_at <= time.time() + 1


async def test_creating_what_is_there_is_success(trial: Trial) -> None:
    first = await create(trial.engine, OBEDIENT)
    assert await create(trial.engine, OBEDIENT) == first
    await trial.engine.start(first)
    assert await create(trial.engine, OBEDIENT) == first
    assert (await the_one(trial.engine)).is_running


async def test_a_missing_image_is_named(trial: Trial) -> None:
    with pytest.raises(ImageNotFound, match="nosuch:1"):
        await create(trial.engine, ServiceSpec(image="nosuch:1"))
    assert await trial.engine.containers() == ()


async def test_a_foreign_container_keeps_its_name(trial: Trial) -> None:
    await trial.hold_name("shop_web_1")
    with pytest.raises(ContainerRejected, match="shop_web_1"):
        await create(trial.engine, OBEDIENT)


async def test_a_container_does_not_run_without_its_network(trial: Trial) -> None:
    spec = OBEDIENT.model_copy(update={"networks": (NetworkAttachment(name="shop_nowhere"),)})
    with pytest.raises((Transient, Permanent), match="shop_nowhere"):
        await run(trial.engine, spec)
    assert not any(seen.is_running for seen in await trial.engine.containers())


async def test_a_started_container_runs_in_its_networks_with_its_volumes(trial: Trial) -> None:
    back = NETWORK.model_copy(update={"name": "shop_back"})
    for network in (NETWORK, back):
        await trial.engine.create_network(network)
    spec = OBEDIENT.model_copy(
        update={
            "networks": (
                NetworkAttachment(name="shop_default", aliases=("web",)),
                NetworkAttachment(name="shop_back", aliases=("web",)),
            ),
            "volumes": (VolumeMount(type="volume", source="shop_data", target="/data"),),
            "ports": (Port(container_port=80, host_port=18080), Port(container_port=81)),
        }
    )
    await run(trial.engine, spec)
    seen = await the_one(trial.engine)
    assert (seen.status, seen.is_running) == ("running", True)
    assert seen.networks == {"shop_default", "shop_back"}
    assert seen.volumes == {"shop_data"}
    assert ("0.0.0.0", 18080) in seen.ports["80/tcp"]
    assert all(port > 1024 for _, port in seen.ports["81/tcp"])
    assert seen.ip
    assert seen.started_at is not None
    assert abs(seen.started_at - time.time()) < 10


async def test_starting_what_runs_is_success(trial: Trial) -> None:
    container_id = await run(trial.engine, OBEDIENT)
    began = (await the_one(trial.engine)).started_at
    await trial.engine.start(container_id)
    assert (await the_one(trial.engine)).started_at == began


async def test_starting_what_is_gone_is_transient(trial: Trial) -> None:
    container_id = await create(trial.engine, OBEDIENT)
    await trial.vanish(container_id)
    with pytest.raises(Transient):
        await trial.engine.start(container_id)


async def test_a_port_that_somebody_holds_is_named(trial: Trial) -> None:
    await trial.hold_port(18081)
    spec = OBEDIENT.model_copy(update={"ports": (Port(container_port=80, host_port=18081),)})
    with pytest.raises(PortTaken, match="18081"):
        await run(trial.engine, spec)


async def test_a_port_that_another_of_ours_holds_is_named(trial: Trial) -> None:
    spec = OBEDIENT.model_copy(update={"ports": (Port(container_port=80, host_port=18082),)})
    await run(trial.engine, spec, slot=1)
    with pytest.raises(PortTaken, match="18082"):
        await run(trial.engine, spec, slot=2)


async def test_an_exit_is_seen_with_its_code_and_time(trial: Trial) -> None:
    await run(trial.engine, EXITING)
    seen = await once_ended(trial.engine)
    assert (seen.is_running, seen.exit_code, seen.oom_killed) == (False, 3, False)
    assert seen.finished_at is not None
    assert abs(seen.finished_at - time.time()) < 10


async def test_an_ended_container_runs_again_after_a_start(trial: Trial) -> None:
    container_id = await run(trial.engine, OBEDIENT)
    await trial.die(container_id)
    assert (await once_ended(trial.engine)).exit_code == 137
    await trial.engine.start(container_id)
    seen = await the_one(trial.engine)
    assert (seen.is_running, seen.exit_code, seen.finished_at) == (True, None, None)


async def test_a_stop_returns_when_the_container_has_obeyed(trial: Trial) -> None:
    container_id = await run(trial.engine, OBEDIENT)
    await until_obedient(trial.engine, container_id)
    began = time.monotonic()
    await trial.engine.stop(container_id, signal="", timeout_s=10)
    assert time.monotonic() - began < 5
    seen = await the_one(trial.engine)
    assert (seen.status, seen.exit_code) == ("exited", 143)


async def test_a_stop_kills_after_its_time_out(trial: Trial) -> None:
    container_id = await run(trial.engine, STUBBORN)
    began = time.monotonic()
    await trial.engine.stop(container_id, signal="SIGTERM", timeout_s=0.5)
    assert 0.5 <= time.monotonic() - began < 5
    assert (await the_one(trial.engine)).exit_code == 137


async def test_a_more_urgent_stop_overtakes_one_that_waits(trial: Trial) -> None:
    container_id = await run(trial.engine, STUBBORN)
    began = time.monotonic()
    patient = asyncio.create_task(trial.engine.stop(container_id, signal="", timeout_s=60))
    await asyncio.sleep(0.1)
    await trial.engine.stop(container_id, signal="SIGKILL", timeout_s=1)
    await patient
    assert time.monotonic() - began < 5


async def test_stopping_takes_no_worker_from_others(trial: Trial) -> None:
    ids = [await run(trial.engine, STUBBORN, slot=slot) for slot in range(1, 11)]
    stops = [asyncio.create_task(trial.engine.stop(each, signal="", timeout_s=60)) for each in ids]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(3):
        await create(trial.engine, OBEDIENT, slot=11)
        assert len(await trial.engine.containers()) == 11
    for each in ids:
        await trial.engine.remove(each, volumes=True)
    await asyncio.gather(*stops)


async def test_what_is_stopped_or_gone_is_stopped_killed_and_removed_with_success(
    trial: Trial,
) -> None:
    container_id = await run(trial.engine, OBEDIENT)
    await trial.die(container_id)
    for _ in range(2):
        await trial.engine.stop(container_id, signal="", timeout_s=1)
        await trial.engine.kill(container_id, "HUP")
        await trial.engine.remove(container_id, volumes=True)
    assert await trial.engine.containers() == ()


async def test_a_kill_is_only_a_signal(trial: Trial) -> None:
    container_id = await run(trial.engine, STUBBORN)
    await trial.engine.kill(container_id, "HUP")
    assert (await the_one(trial.engine)).is_running
    await trial.engine.kill(container_id, "SIGKILL")
    assert (await once_ended(trial.engine)).exit_code == 137


async def test_removing_kills_what_runs(trial: Trial) -> None:
    container_id = await run(trial.engine, STUBBORN)
    await trial.engine.remove(container_id, volumes=False)
    assert await trial.engine.containers() == ()


async def test_a_probe_command_gives_its_exit_code(trial: Trial) -> None:
    container_id = await run(trial.engine, STUBBORN)
    assert await trial.engine.run_probe_command(container_id, "true", 5) == 0
    assert await trial.engine.run_probe_command(container_id, "exit 3", 5) == 3
