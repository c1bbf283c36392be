"""For every key: what `docker inspect` shows of our container is what docker-compose's shows."""

from collections.abc import Iterable
from typing import Any

import pytest

from tests.contract.engines import RealTrial
from tests.contract.real_engine import clean_machine
from tests.integration.compose.both import by_docker_compose, by_us, shown

pytestmark = [pytest.mark.engine, pytest.mark.timeout(170)]

THEIRS, OURS = "theirs", "ours"
#: Each key in a service of its own, so that a difference names the key.
CASES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "command_text": {"command": "sh -c \"echo 'a b' | cat\""},
    "command_list": {"command": ["sh", "-c", "echo a b"]},
    "entrypoint_text": {"entrypoint": "/bin/sh -c"},
    "entrypoint_list": {"entrypoint": ["/bin/sh"], "command": ["-c", "true"]},
    "environment_list": {"environment": ["A=1", "B=x=y", "C="]},
    "environment_map": {"environment": {"A": 1, "B": "two words", "C": ""}},
    "labels_map": {"labels": {"a.b": "c", "n": 5}},
    "labels_list": {"labels": ["a=b", "c"]},
    "ports_short": {"ports": ["80", "18080:81", "127.0.0.1:18081:82", "15353:53/udp"]},
    "ports_range": {"ports": ["18090-18092:90-92"], "expose": ["3000", "3001/udp"]},
    "ports_choice": {"ports": ["18100-18110:80"]},
    "ports_long": {"ports": [{"target": 80, "published": 18120, "protocol": "tcp"}]},
    "volumes_short": {"volumes": ["data:/a", "data:/b:ro", "/tmp:/c", "/tmp:/d:ro", "/e"]},
    "volumes_nocopy": {"volumes": ["data:/a:nocopy", "/tmp:/b:rslave"]},
    "volumes_long": {
        "volumes": [
            {"type": "volume", "source": "data", "target": "/a", "read_only": True},
            {"type": "bind", "source": "/tmp", "target": "/b", "read_only": True},
            {"type": "volume", "source": "data", "target": "/c", "volume": {"nocopy": True}},
            {"type": "tmpfs", "target": "/d", "tmpfs": {"size": 1048576}},
            {"type": "tmpfs", "target": "/e"},
        ]
    },
    "volumes_from": {"volumes_from": ["nothing", "volumes_short:ro"]},
    "tmpfs_text": {"tmpfs": "/run"},
    "tmpfs_list": {"tmpfs": ["/run:size=64m,mode=755", "/tmp"]},
    "user": {"user": "1000:1000"},
    "working_dir": {"working_dir": "/srv"},
    "hostname": {"hostname": "box", "domainname": "example.com"},
    "mac_address": {"mac_address": "02:42:ac:11:65:43"},
    "tty": {"tty": True},
    "stdin_open": {"stdin_open": True},
    "stop_signal": {"stop_signal": "SIGUSR1"},
    "stop_grace_period": {"stop_grace_period": "1m30s"},
    "restart": {"restart": "always"},
    "capabilities": {"cap_add": ["NET_ADMIN", "SYS_TIME"], "cap_drop": ["MKNOD"]},
    "privileged": {"privileged": True},
    "read_only": {"read_only": True},
    "init": {"init": True},
    "group_add": {"group_add": ["mail", "1000"]},
    "security_opt": {"security_opt": ["no-new-privileges:true"]},
    "devices": {"devices": ["/dev/null:/dev/nothing", "/dev/zero:/dev/zero:r"]},
    "device_cgroup_rules": {"device_cgroup_rules": ["c 1:3 mr"]},
    "pid_host": {"pid": "host"},
    "ipc_host": {"ipc": "host"},
    "ipc_shareable": {"ipc": "shareable"},
    "userns_mode": {"userns_mode": "host"},
    "network_host": {"network_mode": "host"},
    "network_none": {"network_mode": "none"},
    "networks": {
        "networks": {
            "back": {"aliases": ["db", "store"], "ipv4_address": "172.30.7.9", "priority": 5}
        }
    },
    "mem_limits": {"mem_limit": "64m", "memswap_limit": "128m", "mem_reservation": "32m"},
    "mem_swappiness": {"mem_limit": "64m", "mem_swappiness": 10},
    "shm_size": {"shm_size": "32m"},
    "oom": {"oom_kill_disable": True, "oom_score_adj": 500, "mem_limit": "64m"},
    "pids_limit": {"pids_limit": 99},
    "cpus": {"cpus": 0.5},
    "cpu_shares": {"cpu_shares": 512},
    "cpu_quota": {"cpu_quota": 50000, "cpu_period": 100000},
    "cpuset": {"cpuset": "0"},
    "blkio": {"blkio_config": {"device_read_bps": [{"path": "/dev/null", "rate": "1mb"}]}},
    "ulimits": {"ulimits": {"nproc": 65535, "nofile": {"soft": 2000, "hard": 4000}}},
    "sysctls": {"sysctls": {"net.core.somaxconn": 1024}},
    "dns": {"dns": ["8.8.8.8"], "dns_search": "example.com", "dns_opt": ["use-vc"]},
    "extra_hosts": {"extra_hosts": ["a:10.0.0.1", "b:10.0.0.2"]},
    "extra_hosts_map": {"extra_hosts": {"a": "10.0.0.1"}},
    "logging": {"logging": {"driver": "json-file", "options": {"max-size": "1m"}}},
    "logging_default": {"logging": {"options": {"max-file": "2"}}},
    "cgroup_parent": {"cgroup_parent": "/troopers-test"},
    "runtime": {"runtime": "runc"},
    "isolation": {"isolation": "default"},
    "healthcheck": {
        "healthcheck": {
            "test": ["CMD", "true"],
            "interval": "1m30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": "40s",
        }
    },
    "healthcheck_text": {"healthcheck": {"test": "exit 1"}},
    "healthcheck_off": {"healthcheck": {"disable": True}},
}
SECTIONS: dict[str, Any] = {
    "volumes": {
        "data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}, "labels": {"x": "y"}}
    },
    "networks": {
        "back": {
            "driver": "bridge",
            "internal": True,
            "labels": {"x": "y"},
            "driver_opts": {"com.docker.network.driver.mtu": "1400"},
            "ipam": {"config": [{"subnet": "172.30.7.0/24", "gateway": "172.30.7.1"}]},
        }
    },
}
#: These name another container.
NAMING: dict[str, dict[str, Any]] = {
    "first": {"ipc": "shareable"},
    "pid_service": {"pid": "service:first"},
    "ipc_service": {"ipc": "service:first"},
    "network_service": {"network_mode": "service:first"},
    "network_container": {"network_mode": "container:elsewhere"},
    "pid_container": {"pid": "container:elsewhere"},
    "external_links": {"external_links": ["elsewhere:other"]},
}
FIRST: dict[str, dict[str, Any]] = {
    "base": {"volumes": ["/data"]},
    "log_driver": {"log_driver": "json-file", "log_opt": {"max-size": "1m"}},
    "volumes_from": {"volumes_from": ["base"]},
    "volume_driver": {"volume_driver": "local", "volumes": ["plain:/a", "/b"]},
}


def _services(cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {name: {"image": "box:1", **keys} for name, keys in cases.items()}


Seen = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What the engine shows of every container, volume and network of both, by name."""
    home = tmp_path_factory.mktemp("compose")
    url = clean_machine().engine.url
    trial = RealTrial(url)
    latest = {"version": "2.4", "services": _services(CASES), **SECTIONS}
    found: Seen = {}
    try:
        for number, template, names in (
            ("", latest, CASES),
            ("1", _services(FIRST), FIRST),
            ("2", {"version": "2.4", "services": _services(NAMING)}, NAMING),
        ):
            trial.hand.containers.run("box:1", name="elsewhere", detach=True)
            by_docker_compose(url, THEIRS + number, template, home, start=number == "2")
            found |= _look_and_clear(trial, THEIRS + number, names)
            trial.hand.containers.run("box:1", name="elsewhere", detach=True)
            by_us(trial, OURS + number, template)
            found |= _look_and_clear(trial, OURS + number, names)
    finally:
        _clear(trial)
        trial.close()
    return found


def _look_and_clear(trial: RealTrial, project: str, names: Iterable[str]) -> Seen:
    """The two projects want the same addresses, so one must go before the other comes."""
    found = {f"{project}_{name}": shown(trial, project, name) for name in names}
    for network in trial.hand.networks.list(filters={"type": "custom"}):
        found[f"network {network.name}"] = _network(network.attrs)
    for volume in trial.hand.volumes.list():
        own = {k: v for k, v in (volume.attrs["Labels"] or {}).items() if "." not in k}
        options = {key: volume.attrs[key] for key in ("Driver", "Options")}
        found[f"volume {volume.name}"] = options | {"Labels": own}
    _clear(trial)
    return found


def _clear(trial: RealTrial) -> None:
    for container in trial.hand.containers.list(all=True):
        container.remove(force=True, v=True)
    trial.hand.networks.prune()
    for volume in trial.hand.volumes.list():
        volume.remove(force=True)


def _network(attributes: dict[str, Any]) -> dict[str, Any]:
    found = {key: attributes[key] for key in ("Driver", "Internal", "Options", "EnableIPv6")}
    own = {key: value for key, value in attributes["Labels"].items() if "." not in key}
    return {**found, "Labels": own, "Pools": attributes["IPAM"]["Config"]}


@pytest.mark.parametrize("case", CASES)
def test_a_container_is_what_docker_compose_makes_of_the_key(seen: Seen, case: str) -> None:
    assert seen[f"{OURS}_{case}"] == seen[f"{THEIRS}_{case}"]


@pytest.mark.parametrize("case", FIRST)
def test_the_same_holds_for_the_first_format(seen: Seen, case: str) -> None:
    ours, theirs = dict(seen[f"{OURS}1_{case}"]), dict(seen[f"{THEIRS}1_{case}"])
    if "net" not in FIRST[case]:
        # The first format has no networks; a project of ours has one for all its services.
        for one in (ours, theirs):
            one.pop("Networks", None)
            one["HostConfig"] = {k: v for k, v in one["HostConfig"].items() if k != "NetworkMode"}
    assert ours == theirs


@pytest.mark.parametrize("case", NAMING)
def test_the_same_holds_for_what_names_another_container(seen: Seen, case: str) -> None:
    assert seen[f"{OURS}2_{case}"] == seen[f"{THEIRS}2_{case}"]


@pytest.mark.parametrize("kind", ["volume", "network"])
def test_a_volume_or_network_is_what_docker_compose_makes_of_it(seen: Seen, kind: str) -> None:
    name = {"volume": "data", "network": "back"}[kind]
    assert seen[f"{kind} {OURS}_{name}"] == seen[f"{kind} {THEIRS}_{name}"]
    assert seen[f"{kind} {OURS}_{name}"]["Labels"] == {"x": "y"}
