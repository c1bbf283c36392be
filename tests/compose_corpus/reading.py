"""What an oracle's answer asks of the engine, in the words of `ServiceSpec`.

Written without looking at the package that it checks: every key has its own few lines here, and a
key without any is an error, so nothing is left out of the comparison.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from tests.compose_corpus.joining import networks, volumes, volumes_from

_SHORT_PORT = re.compile(r"(?:([0-9]+[.][0-9.]+):)?(?:([0-9]*):)?([0-9]+)(?:/(\w+))?")
_UNITS = {"b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3}
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_CONDITIONS = {"service_healthy": "healthy", "service_completed_successfully": "completed"}

Expected = dict[str, Any]


def expected(project: str, whole: Mapping[str, Any], name: str) -> Expected:
    """The fields that a service of the answer asks for, and nothing that it doesn't mention."""
    found: Expected = {}
    service = whole["services"][name]
    for key, value in service.items():
        if key in _PLAIN:
            found |= {_PLAIN[key]: _unescaped(value)}
        elif key.startswith("x-"):
            continue
        elif key in _READ:
            found |= _READ[key](_unescaped(value))
        else:
            raise AssertionError(f"nobody compares {key}")
    if "networks" in service:
        found["networks"] = networks(project, name, service["networks"], whole.get("networks", {}))
    if "volumes" in service:
        found["volumes"] = volumes(project, whole, service["volumes"])
    if "volumes_from" in service:
        found["volumes_from"] = volumes_from(service["volumes_from"])
    return found


def size(value: Any) -> int:
    """A size in bytes."""
    match = re.fullmatch(r"(-?[0-9]+)\s*([a-z]*)", str(value).lower())
    assert match is not None, value
    factor: int = 1024 ** _UNITS[match[2] or "b"]
    return int(match[1]) * factor


def duration(value: str) -> float:
    """A duration in seconds."""
    return sum(float(n) * _SECONDS[unit] for n, unit in re.findall(r"([0-9.]+)(ms|h|m|s)", value))


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if isinstance(value, dict):
        return {_unescaped(key): _unescaped(item) for key, item in value.items()}
    return value


def _words(value: Any) -> tuple[str, ...]:
    return tuple(shlex.split(value)) if isinstance(value, str) else tuple(map(str, value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pairs(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    return {entry.partition("=")[0]: entry.partition("=")[2] for entry in value}


def _environment(value: Any) -> Expected:
    expressions = ("constraint:", "affinity:", "availability:", "reschedule:")
    return {
        "environment": {
            key: item for key, item in _pairs(value).items() if not key.startswith(expressions)
        }
    }


def _labels(value: Any) -> Expected:
    own = {key: item for key, item in _pairs(value).items() if not key.startswith("aliyun.")}
    return {"labels": own}


def _ports(value: Any) -> Expected:
    found = set()
    for entry in value:
        if isinstance(entry, dict):
            published = str(entry.get("published", ""))
            host_ip = entry.get("host_ip", "")
            found.add((host_ip, published, entry["target"], entry.get("protocol", "tcp")))
            continue
        match = _SHORT_PORT.fullmatch(str(entry))
        assert match is not None, entry
        found.add((match[1] or "", match[2] or "", int(match[3]), match[4] or "tcp"))
    return {"ports": found}


def _healthcheck(value: Any) -> Expected:
    if value.get("disable"):
        return {"healthcheck": {"test": ("NONE",)}}
    found: Expected = {}
    if "test" in value:
        test = value["test"]
        found["test"] = ("CMD-SHELL", test) if isinstance(test, str) else tuple(test)
    for key in ("interval", "timeout", "start_period"):
        if key in value:
            found[f"{key}_s"] = duration(value[key])
    if "retries" in value:
        found["retries"] = value["retries"]
    return {"healthcheck": found}


def _restart(value: str) -> Expected:
    policy, _, count = value.partition(":")
    return {"restart": (policy, int(count) if count else None)}


def _ulimits(value: Any) -> Expected:
    both = {
        n: one if isinstance(one, dict) else {"soft": one, "hard": one} for n, one in value.items()
    }
    return {"ulimits": {name: (one["soft"], one["hard"]) for name, one in both.items()}}


def _devices(value: Any) -> Expected:
    found = []
    for entry in value:
        if isinstance(entry, dict):
            parts = [entry[key] for key in ("source", "target", "permissions")]
        else:
            parts = entry.split(":")
        source, target, permissions = (*parts, "", "")[:3]
        found.append((source, target or source, permissions or "rwm"))
    return {"devices": found}


def _tmpfs(value: Any) -> Expected:
    entries = [value] if isinstance(value, str) else value
    return {"tmpfs": {one.partition(":")[0]: one.partition(":")[2] for one in entries}}


def _listed(field: str) -> Callable[[Any], Expected]:
    return lambda value: {field: (value,) if isinstance(value, str) else tuple(map(str, value))}


def _hosts(value: Any) -> Expected:
    pairs = [f"{k}:{v}" for k, v in value.items()] if isinstance(value, dict) else value
    return {"extra_hosts": set(pairs)}


def _logging(value: Any) -> Expected:
    return {"logging": (value.get("driver", ""), _pairs(value.get("options", {})))}


def _blkio(value: Any) -> Expected:
    found: Expected = {"weight": value.get("weight")}
    for key, entries in value.items():
        if key != "weight":
            unit = "weight" if key == "weight_device" else "rate"
            found[key] = [(entry["path"], size(entry[unit])) for entry in entries]
    return {"blkio": found}


def _deploy(value: Any) -> Expected:
    found: Expected = {}
    if "replicas" in value:
        found["scale"] = value["replicas"]
    if "mode" in value:
        found["is_global"] = value["mode"] == "global"
    resources = value.get("resources", {})
    limits, reservations = resources.get("limits", {}), resources.get("reservations", {})
    if "cpus" in limits:
        found["cpus"] = float(limits["cpus"])
    if "memory" in limits:
        found["mem_limit_bytes"] = size(limits["memory"])
    if "memory" in reservations:
        found["mem_reservation_bytes"] = size(reservations["memory"])
    if "restart_policy" in value:
        policy = value["restart_policy"]
        word = {"none": "no", "any": "always"}.get(policy["condition"], policy["condition"])
        found["restart"] = (word, policy.get("max_attempts"))
    if "constraints" in value.get("placement", {}):
        found["constraints"] = [
            re.sub(r"\s", "", one).replace("node.labels.", "").replace("node.hostname", "node")
            for one in value["placement"]["constraints"]
        ]
    return found


def _depends(value: Any) -> Expected:
    if isinstance(value, list):
        return {"depends_on": set(value)}
    above = {n: _CONDITIONS.get(one["condition"]) for n, one in value.items()}
    return {
        "depends_on": set(value),
        "conditions": {name: word for name, word in above.items() if word},
    }


def _links(value: Any) -> Expected:
    return {"links": {tuple((*one.split(":"), one.split(":")[0])[:2]) for one in value}}


def _external(value: Any) -> Expected:
    return {"external_links": tuple(one if ":" in one else f"{one}:{one}" for one in value)}


def _mode(field: str) -> Callable[[Any], Expected]:
    return lambda value: {field: value}


_SAME = (
    "image user working_dir hostname domainname mac_address stop_signal cgroup_parent runtime "
    "platform tty stdin_open privileged read_only init oom_kill_disable userns_mode cpu_shares "
    "mem_swappiness oom_score_adj pids_limit cpuset scale volume_driver container_name profiles"
)
_PLAIN = {key: key for key in _SAME.split()}

_READ: Mapping[str, Callable[[Any], Expected]] = {
    "command": lambda value: {"command": _words(value)},
    "entrypoint": lambda value: {"entrypoint": _words(value)},
    "environment": _environment,
    "labels": _labels,
    "ports": _ports,
    "expose": lambda v: {"expose": {str(p) if "/" in str(p) else f"{p}/tcp" for p in v}},
    "healthcheck": _healthcheck,
    "restart": _restart,
    "ulimits": _ulimits,
    "devices": _devices,
    "tmpfs": _tmpfs,
    "cap_add": _listed("cap_add"),
    "cap_drop": _listed("cap_drop"),
    "group_add": _listed("group_add"),
    "security_opt": _listed("security_opt"),
    "device_cgroup_rules": _listed("device_cgroup_rules"),
    "dns": _listed("dns"),
    "dns_search": _listed("dns_search"),
    "dns_opt": _listed("dns_options"),
    "extra_hosts": _hosts,
    "logging": _logging,
    "log_driver": lambda value: {"log_driver": value},
    "log_opt": lambda value: {"log_opt": _pairs(value)},
    "sysctls": lambda value: {"sysctls": _pairs(value)},
    "storage_opt": lambda value: {"storage_opt": _pairs(value)},
    "mem_limit": lambda value: {"mem_limit_bytes": size(value)},
    "mem_reservation": lambda value: {"mem_reservation_bytes": size(value)},
    "memswap_limit": lambda value: {"memswap_limit_bytes": size(value)},
    "shm_size": lambda value: {"shm_size_bytes": size(value)},
    "cpus": lambda value: {"cpus": float(value)},
    "cpu_quota": lambda value: {"cpu_quota_us": int(value)},
    "cpu_period": lambda value: {"cpu_period_us": int(value)},
    "blkio_config": _blkio,
    "deploy": _deploy,
    "depends_on": _depends,
    "links": _links,
    "external_links": _external,
    "stop_grace_period": lambda value: {"stop_grace_s": duration(value)},
    "network_mode": _mode("network_mode"),
    "pid": _mode("pid_mode"),
    "ipc": _mode("ipc_mode"),
    # A Linux engine has one isolation only.
    "isolation": lambda value: {} if value == "default" else {"isolation": value},
    "networks": lambda _: {},
    "volumes": lambda _: {},
    "volumes_from": lambda _: {},
}
