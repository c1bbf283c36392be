from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.cluster import Cluster, ClusterSettings
from cli.engine import Engine
from cli.nats_server import MEMORY_LIMIT

ENGINE = Engine("unix:///run/x/docker.sock")


@dataclass(frozen=True)
class Somewhere:
    name: str = "n1"
    address: str = "10.213.0.11"
    engine: Engine = ENGINE
    enter: tuple[str, ...] = ("nsenter", "--net=/run/netns/x", "--")


def cluster(home: Path) -> Cluster[Somewhere]:
    settings = ClusterSettings(
        http_port=1,
        nats_port=2,
        agent_port=3,
        bus_host="10.213.0.1",
        labels={"n1": {"disk": "ssd", "rack": "r1"}},
        zones={"n1": "z1"},
        agent_environment={"TROOPERS_AGENT_LOG_LEVEL": "debug"},
    )
    return Cluster(home, [Somewhere()], settings)


def test_an_agent_runs_in_its_machines_namespace_and_knows_its_place(tmp_path: Path) -> None:
    agent = cluster(tmp_path).node("n1").agent
    mounts = agent.environment.pop("TROOPERS_AGENT_MOUNTD_SOCKET")
    assert mounts == "" or mounts.startswith("/run/troopers/m-")
    assert agent.argv[:3] == ["nsenter", "--net=/run/netns/x", "--"]
    assert agent.argv[-2:] == ["-m", "agent"]
    assert agent.environment == {
        "TROOPERS_AGENT_NODE": "n1",
        "TROOPERS_AGENT_ADDRESS": "10.213.0.11",
        "TROOPERS_AGENT_NATS_URL": "nats://10.213.0.1:2",
        "TROOPERS_AGENT_ENGINE_URL": "unix:///run/x/docker.sock",
        "TROOPERS_AGENT_STATE_DIR": str(tmp_path / "agent-n1"),
        "TROOPERS_AGENT_LISTEN": "10.213.0.11:3",
        "TROOPERS_AGENT_LABELS": "disk=ssd,rack=r1",
        "TROOPERS_AGENT_ZONE": "z1",
        "TROOPERS_AGENT_MOUNT_BASE": str(tmp_path / "volumes-n1"),
        "TROOPERS_AGENT_LOG_LEVEL": "debug",
    }


def test_a_cluster_that_was_never_started_is_not_recorded(tmp_path: Path) -> None:
    assert Cluster.recorded(tmp_path, [Somewhere()]) is None


def test_nats_server_aims_at_little_memory_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOMEMLIMIT", raising=False)
    assert cluster(tmp_path).nats.environment == {"GOMEMLIMIT": MEMORY_LIMIT}
    monkeypatch.setenv("GOMEMLIMIT", "1GiB")
    assert cluster(tmp_path).nats.environment == {"GOMEMLIMIT": "1GiB"}


@pytest.mark.bus
def test_a_killed_nats_server_serves_again_and_writes_before_it_acknowledges(
    tmp_path: Path,
) -> None:
    nats = Cluster(tmp_path, [Somewhere()]).nats
    nats.start()
    pid = nats.pid
    nats.kill()
    nats.restart()
    try:
        assert nats.pid != pid
        assert "sync_interval: always" in (tmp_path / "nats" / "nats.conf").read_text()
    finally:
        nats.stop()
