"""What a node survives: an engine that hangs, memory that is short, file descriptors that run out."""

import resource
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_projects import a_service
from tests.e2e.world import World, now

#: a node that is silent for so long is suspect
SUSPECT_S = 5.0
MOVABLE = ["reschedule:on-node-failure"]
#: a probe that fails makes the agent look at once, and not at its next leisurely round
PROBED = {"aliyun.probe.cmd": "true", "aliyun.probe.timeout_seconds": "1"}


def host(world: World, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = world.hosts()[name]
    # Heartbeats go on, whatever is the matter.
    assert shown["SilentFor"] < SUSPECT_S, shown
    return shown


@pytest.mark.long
def test_an_engine_that_hangs_is_shown_and_nothing_is_moved_or_made_anew(world: World) -> None:
    world.deploy("calm", {"web": a_service(scale=3, environment=MOVABLE, labels=PROBED)})
    before, containers = world.running("calm"), set(world.containers("calm_web"))
    engine = world.node("n2").machine.dockerd
    engine.pause()
    world.wait_for(
        lambda: "unresponsive" in host(world, "n2")["Reason"], "the engine of n2 is unresponsive"
    )
    assert not host(world, "n2")["Healthy"]
    assert set(world.containers("calm_web")) == containers
    engine.resume()
    world.wait_for(lambda: bool(host(world, "n2")["Healthy"]), "n2 is healthy again")
    world.wait_for_state("calm", "running")
    assert world.running("calm") == before


def test_a_container_that_is_out_of_memory_says_so(world: World) -> None:
    hungry = a_service(command=["tail", "/dev/zero"], mem_limit="16m")
    world.deploy("oom", {"web": hungry}, wait=False)
    # It is started again and again: an engine that hears of an end before it hears why has lost it.
    world.wait_for(
        lambda: (
            "exited with code 137, out of memory" in " ".join(world.service("oom_web")["reasons"])
        ),
        "the reason is shown",
    )


def test_an_agent_without_file_descriptors_beats_on_and_recovers(world: World) -> None:
    here = ["constraint:node==n1"]
    world.deploy("calm", {"web": a_service(scale=2, environment=here)})
    before = world.running("calm")
    node = world.node("n1")
    resource.prlimit(node.agent.pid, resource.RLIMIT_NOFILE, (64, 64))
    used = Path(f"/proc/{node.agent.pid}/fd")
    with ExitStack() as connections:
        for _ in range(100):
            taken = connections.enter_context(socket.socket())
            taken.settimeout(0)
            taken.connect_ex((node.address, world.cluster.settings.agent_port))
        world.wait_for(lambda: len(list(used.iterdir())) >= 63, "none is left")
        since = now()
        world.wait_for(lambda: bool(host(world, "n1")) and now() - since > 6, "it beats on")
    world.ok("POST", "/services/calm_web/scale?wait=0", {"type": "scale_to", "value": 4})
    world.wait_for(lambda: len(world.running("calm")) == 4, "the agent works again")
    assert world.running("calm").items() >= before.items()
