"""The promises of Machines, on real engines in real network namespaces."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from cli.dockerd import RUNTIME_ROOT
from cli.identity import PROC, all_pids
from cli.image import busybox_root
from cli.listening import answers
from cli.machines import Machine, Machines, registrations, sweep_abandoned
from cli.waiting import wait_until

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]

IMAGE = "machines-test:1"
SHIM_SOCKETS = Path("/run/containerd/s")


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    with Machines.create(tmp_path_factory.mktemp("machines") / "home", 2) as machines:
        machines.import_image(IMAGE, busybox_root())
        yield machines


@pytest.fixture(autouse=True)
def clean(machines: Machines) -> Iterator[None]:
    yield
    machines.wipe()


def serve(client: docker.DockerClient, *, label: str = "troopers.project") -> str:
    container = client.containers.run(
        IMAGE,
        ["httpd", "-f", "-p", "8080"],
        detach=True,
        labels={label: "p"},
        ports={"8080/tcp": 8080},
    )
    return str(container.id)


def is_reachable(machine: Machine) -> bool:
    return answers(machine.address, 8080, timeout_s=0.3)


def traces(machines_home: Path, bridge: str) -> list[str]:
    """Everything on this machine that still carries the names of these machines."""
    links = json.loads(subprocess.check_output(["ip", "-json", "link"]))
    names = [str(link["ifname"]) for link in links]
    # Not trp67 for trp6: networks of other engines may be there as well.
    found = [name for name in names if name == bridge or name.startswith(f"{bridge}n")]
    found += [str(path) for path in Path("/run/netns").glob(f"{bridge}-*")]
    found += [str(path) for path in Path("/sys/fs/cgroup").rglob(f"troopers-{bridge}-*")]
    found += [str(path) for path in (machines_home, RUNTIME_ROOT / bridge) if path.exists()]
    mounts = (PROC / "self/mountinfo").read_text().splitlines()
    found += [line for line in mounts if f"{machines_home}/" in line or f"/{bridge}/" in line]
    for pid in all_pids():
        try:
            command = (PROC / str(pid) / "cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"{RUNTIME_ROOT / bridge}/" in command:
            found.append(command)
    return found


def test_a_cut_cable_silences_one_machine_and_its_containers_run_on(machines: Machines) -> None:
    for machine in machines:
        with machine.engine.client() as client:
            serve(client)
    machines[0].cut()
    assert not is_reachable(machines[0])
    assert is_reachable(machines[1])
    with machines[0].engine.client() as client:
        assert [one.status for one in client.containers.list()] == ["running"]
    machines[0].heal()
    assert wait_until(lambda: is_reachable(machines[0]), 5)


def test_wiping_removes_what_troopers_made_and_nothing_else(machines: Machines) -> None:
    with machines[0].engine.client() as client:
        serve(client)
        client.networks.create("ours", labels={"troopers.project": "p"})
        client.volumes.create("ours", labels={"troopers.project": "p"})
        foreign = client.containers.run(IMAGE, ["sleep", "60"], detach=True)
        machines.wipe()
        assert [one.id for one in client.containers.list(all=True)] == [foreign.id]
        assert "ours" not in {network.name for network in client.networks.list()}
        assert client.volumes.list() == []
        foreign.remove(force=True)


def test_wiping_brings_back_an_engine_that_was_killed_or_hangs(machines: Machines) -> None:
    machines[0].dockerd.kill()
    machines[1].dockerd.pause()
    assert not any(machine.engine.answers(0.2) for machine in machines)
    machines.wipe()
    assert all(machine.engine.answers() for machine in machines)


def test_nothing_is_left_of_destroyed_machines_even_when_an_engine_had_died(
    tmp_path: Path,
) -> None:
    machines = Machines.create(tmp_path / "home", 1)
    machines.import_image(IMAGE, busybox_root())
    sockets_before = set(SHIM_SOCKETS.glob("*"))
    with machines[0].engine.client() as client:
        serve(client)
    assert (sockets := set(SHIM_SOCKETS.glob("*")) - sockets_before)
    machines[0].dockerd.kill()
    assert traces(machines.home, machines.network.bridge)
    machines.destroy()
    # Other engines may come and go meanwhile; ours was among these.
    assert sockets - set(SHIM_SOCKETS.glob("*"))
    assert traces(machines.home, machines.network.bridge) == []


def test_the_next_start_sweeps_what_a_killed_test_run_left(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from cli.machines import Machines;"
        "Machines.create(Path(sys.argv[1]), 1); os.kill(os.getpid(), 9)"
    )
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-c", script, str(home)], check=False)
    left = next(one for one in registrations() if one.home == str(home))
    assert left.is_abandoned
    sweep_abandoned()
    assert traces(home, f"trp{left.number}") == []
