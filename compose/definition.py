"""A service's definition as the API shows it: what the user gave, in one spelling.

The environment is a list, labels are a map, volumes and ports are strings, sizes are numbers of
bytes. Labels and environment entries that are for Troopers itself are not part of it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from compose.files import as_written
from compose.keys import SERVICE_KEYS, Verdict
from compose.normalise import NormalService
from compose.ports import port_text
from compose.units import size_bytes

_SIZES = (
    "mem_limit",
    "mem_reservation",
    "kernel_memory",
    "shm_size",
    *(key for key, rule in SERVICE_KEYS.items() if rule.verdict is Verdict.ZERO_ONLY),
)


def definition(service: NormalService) -> dict[str, Any]:
    """The definition; keys are in the template's order, empty ones are left out."""
    shown: dict[str, Any] = {}
    for key, value in service.written.items():
        name = "network_mode" if key == "net" else key
        if key in _WRITERS:
            item = _WRITERS[key](service)
        elif key in _SIZES:
            item = size_bytes(value, service.where)
        else:
            item = value
        if item not in ([], {}):
            shown[name] = item
    return shown


def _environment(service: NormalService) -> list[str]:
    return [f"{name}={value}" for name, value in service.environment.items()]


def _labels(service: NormalService) -> dict[str, str]:
    return dict(service.labels)


def _volumes(service: NormalService) -> list[str]:
    return [str(mount) for mount in service.mounts]


def _ports(service: NormalService) -> list[str]:
    return [port_text(port) for port in service.ports]


def _expose(service: NormalService) -> list[str]:
    return [port.removesuffix("/tcp") for port in service.expose]


def _restart(service: NormalService) -> str:
    retries = service.restart.max_retries
    return service.restart.policy if retries is None else f"{service.restart.policy}:{retries}"


_WRITERS: Mapping[str, Callable[[NormalService], Any]] = {
    "environment": _environment,
    "labels": _labels,
    "volumes": _volumes,
    "ports": _ports,
    "expose": _expose,
    "restart": _restart,
    "memswap_limit": lambda service: service.plain.get("memswap_limit_bytes", 0),
    "oom_kill_disable": lambda service: service.plain["oom_kill_disable"],
    "configs": lambda service: as_written("configs", service.written),
    "secrets": lambda service: as_written("secrets", service.written),
    "image": lambda service: service.image,
    "user": lambda service: service.user,
    "hostname": lambda service: service.hostname,
    "stop_signal": lambda service: service.stop_signal,
}
