"""`DockerEngine`: what dockerd made of a spec, and what remains of it when dockerd is unwell."""

import asyncio
import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.docker_engine import DockerEngine
from agent.errors import (
    ContainerRejected,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
)
from cli.machines import Machine
from schemas.desired import DesiredVolume
from schemas.service import Healthcheck, NetworkAttachment, Port, ServiceSpec, VolumeMount
from schemas.states import Health
from tests.contract.engines import NETWORK, OBEDIENT, STUBBORN, RealTrial, create, run

pytestmark = pytest.mark.engine


def shown(real: RealTrial, container: str = "shop_web_1") -> dict[str, Any]:
    inspected: dict[str, Any] = real.hand.api.inspect_container(container)
    return inspected


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def engine_threads() -> int:
    return sum(thread.name.startswith("engine-") for thread in threading.enumerate())


async def test_everything_in_a_spec_reaches_the_container(real: RealTrial) -> None:
    spec = STUBBORN.model_copy(
        update={
            "environment": {"A": "b=c", "EMPTY": ""},
            "labels": {"mine": "yes", "troopers.project": "stolen"},
            "user": "1000",
            "working_dir": "/tmp",
            "hostname": "web",
            "ports": (
                Port(container_port=53, protocol="udp", host_ip="127.0.0.1", host_port=15353),
            ),
            "expose": ("99", "98/udp"),
            "volumes": (
                VolumeMount(type="bind", source="/tmp", target="/host", read_only=True),
                VolumeMount(type="volume", target="/anonymous"),
                VolumeMount(type="tmpfs", target="/fast"),
            ),
            "stop_signal": "SIGINT",
            "stop_grace_s": 2.5,
            "mem_limit_bytes": 64 * 2**20,
            "mem_reservation_bytes": 32 * 2**20,
            "cpus": 0.5,
            "cpu_shares": 512,
        }
    )
    await create(real.engine, spec)
    body = shown(real)
    config, host = body["Config"], body["HostConfig"]
    assert {"A=b=c", "EMPTY="} <= set(config["Env"])
    assert config["Labels"]["mine"] == "yes"
    assert config["Labels"]["troopers.project"] == "shop"
    assert config["Labels"]["troopers.generation"] == "7"
    assert config["Labels"]["com.docker.compose.service"] == "web"
    assert (config["User"], config["WorkingDir"], config["Hostname"]) == ("1000", "/tmp", "web")
    assert set(config["ExposedPorts"]) == {"53/udp", "99/tcp", "98/udp"}
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGINT", 3)
    assert host["PortBindings"] == {"53/udp": [{"HostIp": "127.0.0.1", "HostPort": "15353"}]}
    assert host["RestartPolicy"]["Name"] == "no"
    assert (host["Memory"], host["MemoryReservation"]) == (64 * 2**20, 32 * 2**20)
    assert (host["NanoCpus"], host["CpuShares"]) == (500_000_000, 512)
    mounts = {mount["Destination"]: mount for mount in body["Mounts"]}
    assert (mounts["/host"]["Type"], mounts["/host"]["RW"]) == ("bind", False)
    assert mounts["/anonymous"]["Type"] == "volume"
    (fast,) = (mount for mount in host["Mounts"] if mount["Type"] == "tmpfs")
    assert fast["Target"] == "/fast"


async def test_an_empty_entrypoint_forgets_the_images(real: RealTrial) -> None:
    real.hand.api.import_image_from_data(
        b"\0" * 1024, repository="entry", tag="1", changes=['ENTRYPOINT ["/bin/false"]', "CMD x"]
    )
    spec = ServiceSpec(image="entry:1", command=("sleep", "1"))
    await create(real.engine, spec, slot=1)
    await create(real.engine, spec.model_copy(update={"entrypoint": ()}), slot=2)
    assert shown(real, "shop_web_1")["Path"] == "/bin/false"
    assert shown(real, "shop_web_2")["Path"] == "sleep"


async def test_names_in_a_network_lead_to_the_container(real: RealTrial) -> None:
    await real.engine.create_network(NETWORK)
    joined = {"networks": (NetworkAttachment(name="shop_default", aliases=("web", "www")),)}
    await run(real.engine, OBEDIENT.model_copy(update=joined))
    (endpoint,) = shown(real)["NetworkSettings"]["Networks"].values()
    assert {"web", "www"} <= set(endpoint["Aliases"])


async def test_a_container_left_half_joined_is_joined_when_it_is_started(real: RealTrial) -> None:
    for name in ("shop_default", "shop_back"):
        await real.engine.create_network(NETWORK.model_copy(update={"name": name}))
    both = tuple(
        NetworkAttachment(name=name, aliases=("web",)) for name in ("shop_default", "shop_back")
    )
    container_id = await create(real.engine, STUBBORN.model_copy(update={"networks": both}))
    # What an agent leaves that is killed between creating and connecting.
    real.hand.api.disconnect_container_from_network(container_id, "shop_back")
    await real.engine.start(container_id)
    networks = shown(real)["NetworkSettings"]["Networks"]
    assert set(networks) == {"shop_default", "shop_back"}
    assert "web" in networks["shop_back"]["Aliases"]


async def test_what_is_not_ours_is_left_alone(real: RealTrial) -> None:
    await real.hold_name("theirs")
    theirs = shown(real, "theirs")["Id"]
    for attempt in (
        real.engine.stop(theirs, signal="", timeout_s=0),
        real.engine.kill(theirs, "KILL"),
        real.engine.remove(theirs, volumes=True),
        real.engine.start(theirs),
    ):
        with pytest.raises(ContainerRejected, match="theirs"):
            await attempt
    assert shown(real, "theirs")["State"]["Running"]


async def test_networks_and_volumes_of_others_are_left_alone(real: RealTrial) -> None:
    real.hand.networks.create("theirs")
    real.hand.volumes.create("theirs")
    volume = DesiredVolume(project="shop", name="theirs")
    for attempt in (
        real.engine.create_network(NETWORK.model_copy(update={"name": "theirs"})),
        real.engine.remove_network("theirs"),
        real.engine.create_volume(volume),
        real.engine.remove_volume("theirs"),
    ):
        with pytest.raises(ContainerRejected, match="theirs"):
            await attempt
    real.hand.networks.get("theirs").remove()
    real.hand.volumes.get("theirs").remove()


async def test_a_network_asked_for_twice_at_once_is_made_once(real: RealTrial) -> None:
    await asyncio.gather(*(real.engine.create_network(NETWORK) for _ in range(8)))
    assert len(await real.engine.networks()) == 1


async def test_an_older_container_with_the_name_is_for_the_next_pass(real: RealTrial) -> None:
    await create(real.engine, STUBBORN)
    with pytest.raises(EngineFailed, match="older"):
        await create(real.engine, OBEDIENT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"command": ("nosuchprogram",)},
        {"stop_signal": "NOSUCHSIGNAL"},
        {"user": "nosuchuser"},
        {"volumes": (VolumeMount(type="bind", source="/tmp", target="not-absolute"),)},
        {"mem_limit_bytes": 1},
    ],
)
async def test_what_the_engine_will_never_run_is_rejected(
    real: RealTrial, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ContainerRejected, match=r"shop_web_1: ."):
        await run(real.engine, STUBBORN.model_copy(update=wrong))


@pytest.mark.parametrize(("check", "health"), [("true", Health.SUCCESS), ("false", Health.FAILURE)])
async def test_a_health_check_is_seen(real: RealTrial, check: str, health: Health) -> None:
    tested = Healthcheck(test=("CMD-SHELL", check), interval_s=0.3, retries=1)
    container_id = await run(real.engine, STUBBORN.model_copy(update={"healthcheck": tested}))
    async with asyncio.timeout(5):
        while True:
            (seen,) = await real.engine.containers()
            if seen.health is health:
                break
            await asyncio.sleep(0.1)
    await real.die(container_id)
    async with asyncio.timeout(5):
        while (seen := (await real.engine.containers())[0]).is_running:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert seen.health is Health.NONE


async def test_several_starts_at_once_succeed(real: RealTrial) -> None:
    await real.engine.create_network(NETWORK)
    joined = {"networks": (NetworkAttachment(name="shop_default"),)}
    spec = STUBBORN.model_copy(update=joined)
    await asyncio.gather(*(run(real.engine, spec, slot=slot) for slot in range(1, 9)))
    seen = await real.engine.containers()
    assert [each.is_running for each in seen] == [True] * 8
    assert len({each.ip for each in seen}) == 8


async def test_containers_that_vanish_during_a_listing_are_skipped(real: RealTrial) -> None:
    ids = [await create(real.engine, STUBBORN, slot=slot) for slot in range(1, 13)]
    removing = asyncio.gather(*(real.engine.remove(each, volumes=True) for each in ids))
    while not removing.done():
        await real.engine.containers()
    await removing
    assert await real.engine.containers() == ()


async def test_a_probe_command_that_hangs_is_run_only_once(real: RealTrial) -> None:
    container_id = await run(real.engine, STUBBORN)
    for _ in range(3):
        with pytest.raises(EngineTimeout):
            await real.engine.run_probe_command(container_id, "sleep 2", 0.3)
    running = [row for row in real.hand.api.top(container_id)["Processes"] if "sleep 2" in row[-1]]
    assert len(running) <= 2  # the shell and its sleep, or only the sleep
    # Once it has ended, the next one is run.
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(EngineTimeout):
                assert await real.engine.run_probe_command(container_id, "true", 0.3) == 0
                break


async def test_a_hung_engine_is_a_time_out_and_piles_up_no_threads(
    real: RealTrial, machine: Machine
) -> None:
    engine = DockerEngine(machine.engine.url, read_s=1.0, change_s=1.0)
    await engine.facts()
    machine.dockerd.pause()
    for _ in range(2):
        began = time.monotonic()
        calls = [engine.containers() for _ in range(30)] + [engine.volumes() for _ in range(30)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 2.5
        assert {type(answer) for answer in answers} == {EngineTimeout}
        assert engine_threads() <= 20
    machine.dockerd.resume()
    async with asyncio.timeout(5):
        assert await engine.containers() == ()
    engine.close()


async def test_a_dead_engine_is_unavailable_and_found_again(
    real: RealTrial, machine: Machine
) -> None:
    await create(real.engine, STUBBORN)
    machine.dockerd.kill()
    with pytest.raises(EngineUnavailable, match="list containers"):
        await real.engine.containers()
    with pytest.raises(EngineUnavailable):
        await create(real.engine, STUBBORN, slot=2)
    machine.dockerd.start()
    (seen,) = await real.engine.containers()
    assert seen.name == "shop_web_1"


async def test_an_engine_that_stays_away_costs_no_file_descriptors(tmp_path: Path) -> None:
    engine = DockerEngine(f"unix://{tmp_path}/nothing.sock")
    before = descriptors()
    calls = [engine.containers() for _ in range(50)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(answer) for answer in answers} == {EngineUnavailable}
    engine.close()
    assert descriptors() <= before


async def test_a_cancelled_call_is_cancelled_at_once(real: RealTrial, machine: Machine) -> None:
    machine.dockerd.pause()
    engine = DockerEngine(machine.engine.url, read_s=1.0)
    calling = asyncio.create_task(engine.containers())
    await asyncio.sleep(0.1)
    calling.cancel()
    done, _ = await asyncio.wait({calling}, timeout=0.2)
    machine.dockerd.resume()
    engine.close()
    assert done
    assert calling.cancelled()
