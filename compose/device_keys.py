"""Devices of the node: `devices`, `device_cgroup_rules`, `gpus` and what `deploy` reserves."""

import re
from collections.abc import Iterator

from compose.errors import TemplateError, below, shown
from compose.nested_keys import DEVICE_KEYS, DEVICE_REQUEST_KEYS, allowed
from compose.tree import Tree, integer, sequence, text, text_map, texts
from schemas.service import Device, DeviceRequest

_PERMISSIONS = re.compile(r"[rwm]{1,3}")
_CGROUP_RULE = re.compile(r"[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_ALL = -1


def devices(value: Tree, where: str) -> tuple[Device, ...]:
    """`host[:container[:rwm]]`, or the same as a map."""
    entries = enumerate(sequence(value, where))
    return tuple(dict.fromkeys(_device(entry, below(where, index)) for index, entry in entries))


def _device(entry: Tree, where: str) -> Device:
    if isinstance(entry, dict):
        found = allowed(entry, where, DEVICE_KEYS)
        parts = [text(found.get(key, ""), below(where, key)) for key in ("source", "target")]
        parts.append(text(found.get("permissions", "rwm"), below(where, "permissions")))
    else:
        parts = text(entry, where).split(":")
    if len(parts) > 3 or not parts[0]:
        raise TemplateError(
            f"must be path[:path in the container[:rwm]], not {shown(entry)}", where=where
        )
    source, target, permissions = (*parts, "", "")[:3]
    if not source.startswith("/") or (target and not target.startswith("/")):
        raise TemplateError("a device is named by an absolute path", where=where)
    if permissions and not _PERMISSIONS.fullmatch(permissions):
        raise TemplateError(f"{shown(permissions)} is none of r, w and m", where=where)
    return Device(source=source, target=target or source, permissions=permissions or "rwm")


def cgroup_rules(value: Tree, where: str) -> tuple[str, ...]:
    """Rules such as `c 1:3 mr`."""
    rules = texts(value, where)
    for index, rule in enumerate(rules):
        if not _CGROUP_RULE.fullmatch(rule):
            raise TemplateError(
                f"must be such as c 1:3 rwm, not {shown(rule)}", where=below(where, index)
            )
    return tuple(dict.fromkeys(rules))


def gpus(value: Tree, where: str) -> tuple[DeviceRequest, ...]:
    """`all`, or a list of requests, each for GPUs unless it says otherwise."""
    if value == "all":
        return (DeviceRequest(count=_ALL, capabilities=(("gpu",),)),)
    return tuple(_requests(value, where, ("gpu",)))


def reserved(value: Tree, where: str) -> tuple[DeviceRequest, ...]:
    """`deploy.resources.reservations.devices`."""
    return tuple(_requests(value, where, ()))


def _requests(value: Tree, where: str, always: tuple[str, ...]) -> Iterator[DeviceRequest]:
    for index, entry in enumerate(sequence(value, where)):
        at = below(where, index)
        found = allowed(entry, at, DEVICE_REQUEST_KEYS)
        words = texts(found.get("capabilities", []), below(at, "capabilities"))
        wanted = tuple(dict.fromkeys((*always, *words)))
        if not wanted:
            raise TemplateError("needs capabilities, such as [gpu]", where=at)
        ids = texts(found.get("device_ids", []), below(at, "device_ids"))
        if ids and "count" in found:
            raise TemplateError("has a count or device_ids, not both", where=at)
        yield DeviceRequest(
            driver=text(found.get("driver", ""), below(at, "driver")),
            count=0 if ids else _count(found.get("count", "all"), below(at, "count")),
            device_ids=ids,
            capabilities=(wanted,),
            options=text_map(found.get("options", {}), below(at, "options")),
        )


def _count(value: Tree, where: str) -> int:
    return _ALL if value == "all" else integer(value, where, minimum=_ALL, maximum=2**31 - 1)
