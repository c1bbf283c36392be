"""Limits that only the engine looks at: swap, kernel memory, processes, processor time, disks.

`resources` reads those that the scheduler looks at too.
"""

from collections.abc import Mapping
from typing import Any

from compose.errors import TemplateError, below, shown
from compose.nested_keys import BLOCK_IO_KEYS, RATE_KEYS, ULIMIT_KEYS, WEIGHT_KEYS, allowed
from compose.tree import INT_MAX, Tree, boolean, hint, integer, mapping, sequence, text
from compose.units import seconds, size_bytes
from schemas.service import BlockIo, DeviceRate, Ulimit

_INT32_MAX = 2**31 - 1
#: What a Linux engine takes.
_ULIMITS = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
_RATES = ("device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops")


def limit_keys(found: Mapping[str, Tree], where: str) -> dict[str, Any]:
    """The fields of `ServiceSpec` that these keys set; zero is the engine's word for no limit.

    Raises:
        TemplateError: a limit is no number, or out of range.
    """
    fields: dict[str, Any] = {
        "memswap_limit_bytes": _size(found, "memswap_limit", where, unlimited=True),
        "kernel_memory_bytes": _size(found, "kernel_memory", where),
        "shm_size_bytes": _size(found, "shm_size", where),
        "pids_limit": _whole(found, "pids_limit", where, -1, INT_MAX) or None,
        "mem_swappiness": _whole(found, "mem_swappiness", where, 0, 100),
        "oom_score_adj": _whole(found, "oom_score_adj", where, -1000, 1000),
        "oom_kill_disable": boolean(
            found.get("oom_kill_disable", False), below(where, "oom_kill_disable")
        ),
        "cpu_quota_us": _time_us(found, "cpu_quota", where),
        "cpu_period_us": _time_us(found, "cpu_period", where),
        "cpu_rt_period_us": _time_us(found, "cpu_rt_period", where),
        "cpu_rt_runtime_us": _time_us(found, "cpu_rt_runtime", where),
        "cpuset": text(found.get("cpuset", ""), below(where, "cpuset")),
    }
    if "blkio_config" in found:
        fields["blkio"] = _block_io(found["blkio_config"], below(where, "blkio_config"))
    return {name: value for name, value in fields.items() if value is not None}


def ulimits(value: Tree, where: str) -> tuple[Ulimit, ...]:
    """`name: number`, or `name: {soft, hard}`; -1 is unlimited."""
    found: list[Ulimit] = []
    for name, limit in mapping(value, where).items():
        at = below(where, name)
        if name not in _ULIMITS:
            raise TemplateError(f"no limit is called so{hint(name, _ULIMITS)}", where=at)
        if isinstance(limit, dict):
            both = allowed(limit, at, ULIMIT_KEYS)
            if len(both) < 2:
                raise TemplateError("needs both soft and hard", where=at)
            soft, hard = (
                integer(both[key], below(at, key), minimum=-1) for key in ("soft", "hard")
            )
            if hard != -1 and (soft == -1 or soft > hard):
                raise TemplateError(f"soft {soft} is above hard {hard}", where=at)
        else:
            soft = hard = integer(limit, at, minimum=-1)
        found.append(Ulimit(name=name, soft=soft, hard=hard))
    return tuple(sorted(found, key=lambda limit: limit.name))


def _size(
    found: Mapping[str, Tree], key: str, where: str, *, unlimited: bool = False
) -> int | None:
    if key not in found:
        return None
    if unlimited and found[key] in (-1, "-1"):
        return -1
    return size_bytes(found[key], below(where, key)) or None


def _whole(
    found: Mapping[str, Tree], key: str, where: str, minimum: int, maximum: int
) -> int | None:
    if key not in found:
        return None
    return integer(found[key], below(where, key), minimum=minimum, maximum=maximum)


def _time_us(found: Mapping[str, Tree], key: str, where: str) -> int | None:
    """Microseconds as a number, or a duration with its unit."""
    if key not in found:
        return None
    value, at = found[key], below(where, key)
    if isinstance(value, str) and value.strip()[-1:].isalpha():
        return round(seconds(value, at) * 1_000_000) or None
    minimum = -1 if key == "cpu_quota" else 0
    return integer(value, at, minimum=minimum, maximum=INT_MAX) or None


def _block_io(value: Tree, where: str) -> BlockIo:
    found = allowed(value, where, BLOCK_IO_KEYS)
    return BlockIo(
        weight=_weight(found["weight"], below(where, "weight")) if "weight" in found else None,
        weight_device=_amounts(found, "weight_device", "weight", where),
        **{key: _amounts(found, key, "rate", where) for key in _RATES},
    )


def _amounts(found: Mapping[str, Tree], key: str, unit: str, where: str) -> tuple[DeviceRate, ...]:
    amounts: list[DeviceRate] = []
    for index, entry in enumerate(sequence(found.get(key, []), below(where, key))):
        at = below(below(where, key), index)
        one = allowed(entry, at, WEIGHT_KEYS if unit == "weight" else RATE_KEYS)
        path = text(one.get("path", ""), below(at, "path"))
        if not path.startswith("/"):
            raise TemplateError(f"{shown(path)} is no absolute path", where=below(at, "path"))
        if unit == "weight":
            amount = _weight(one.get(unit), below(at, unit))
        else:
            amount = size_bytes(one.get(unit), below(at, unit))
        amounts.append(DeviceRate(path=path, amount=amount))
    return tuple(amounts)


def _weight(value: Tree, where: str) -> int:
    weight = integer(value, where, maximum=1000)
    if 0 < weight < 10:
        raise TemplateError("must be 0, or from 10 to 1000", where=where)
    return weight
