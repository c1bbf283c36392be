"""Keys of a service that go to the engine nearly as they are written.

Each has a reader; what they read are fields of `ServiceSpec`, ready to be handed on.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any

from compose.device_keys import cgroup_rules, devices, gpus
from compose.errors import TemplateError, below, shown
from compose.limit_keys import ulimits
from compose.nested_keys import LOGGING_KEYS, allowed
from compose.tree import (
    Tree,
    boolean,
    mapping,
    sequence,
    text,
    text_map,
    texts,
)
from schemas.service import Logging

_MAC = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?")
_CAPABILITY = re.compile(r"[A-Za-z0-9_]{1,64}")
_GROUP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_PLATFORM = re.compile(r"[A-Za-z0-9_.-]{1,32}(/[A-Za-z0-9_.-]{1,32}){0,2}")
_RUNTIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,127}")
_DRIVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./:-]{0,254}")
_PARENT = re.compile(r"[^\s\0]{1,255}")
#: Docker's word for the node itself.
_HOST_GATEWAY = "host-gateway"

Reader = Callable[[Tree, str], Any]


def container_keys(found: Mapping[str, Tree], where: str) -> dict[str, Any]:
    """The fields of `ServiceSpec` that these keys set.

    Raises:
        TemplateError: with the path of what can't be understood.
    """
    fields: dict[str, Any] = {}
    for key, value in found.items():
        if key in _READERS:
            name, read = _READERS[key]
            read_value = read(value, below(where, key))
            if name:
                fields[name] = read_value
    return fields | _logging(found, where)


def listed(value: Tree, where: str) -> tuple[str, ...]:
    """A list of scalars, or one that stands for a list of itself; each counts once."""
    items = texts(value, where) if isinstance(value, list) else (text(value, where),)
    return tuple(dict.fromkeys(item for item in items if item))


def _matching(pattern: re.Pattern[str], what: str) -> Reader:
    def read(value: Tree, where: str) -> str:
        written = text(value, where)
        if written and not pattern.fullmatch(written):
            raise TemplateError(f"must be {what}, not {shown(written)}", where=where)
        return written

    return read


def _list_of(pattern: re.Pattern[str], what: str) -> Reader:
    check = _matching(pattern, what)

    def read(value: Tree, where: str) -> tuple[str, ...]:
        items = sequence(value, where)
        found = (check(item, below(where, index)) for index, item in enumerate(items))
        return tuple(dict.fromkeys(item for item in found if item))

    return read


def _one_of(*words: str) -> Reader:
    def read(value: Tree, where: str) -> str:
        written = text(value, where)
        if written not in words:
            known = " or ".join(word for word in words if word)
            raise TemplateError(f"must be {known}, not {shown(written)}", where=where)
        return written

    return read


def _security(value: Tree, where: str) -> tuple[str, ...]:
    found = texts(value, where)
    for index, option in enumerate(found):
        name, profile = (*re.split(r"[=:]", option, maxsplit=1), "")[:2]
        if name == "seccomp" and not profile.startswith("{") and profile != "unconfined":
            raise TemplateError(
                "a template has no directory to read a profile from: write unconfined, "
                "or the profile itself",
                where=below(where, index),
            )
    return tuple(dict.fromkeys(found))


def _hosts(value: Tree, where: str) -> tuple[str, ...]:
    """`name:address` of a list or a map. An IPv6 address may stand in brackets."""
    pairs: list[tuple[str, Tree, str]] = []
    if isinstance(value, dict):
        for name, given in sorted(value.items()):
            at = below(where, name)
            pairs += [(name, one, at) for one in (given if isinstance(given, list) else [given])]
    else:
        for index, entry in enumerate(texts(value, where)):
            name, _, given = entry.partition("=" if "=" in entry else ":")
            pairs.append((name, given, below(where, index)))
    found: dict[str, None] = {}
    for name, given, at in pairs:
        address = text(given, at).strip().removeprefix("[").removesuffix("]")
        if not _DOMAIN.fullmatch(name.strip()):
            raise TemplateError(f"{shown(name)} is no host name", where=at)
        if address != _HOST_GATEWAY:
            _check_address(address, at)
        found[f"{name.strip()}:{address}"] = None
    return tuple(found)


def _check_address(written: str, where: str) -> None:
    try:
        ip_address(written)
    except ValueError as error:
        raise TemplateError(f"{shown(written)} is no IP address", where=where) from error


def _servers(value: Tree, where: str) -> tuple[str, ...]:
    found = listed(value, where)
    for server in found:
        _check_address(server, where)
    return found


def _tmpfs(value: Tree, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, entry in enumerate(value if isinstance(value, list) else [value]):
        at = below(where, index)
        path, _, options = text(entry, at).partition(":")
        if not path.startswith("/") or path == "/":
            raise TemplateError(f"{shown(path)} is no absolute path", where=at)
        if path in found:
            raise TemplateError(f"something is mounted at {shown(path)} already", where=at)
        found[path] = options
    return found


def _init(value: Tree, where: str) -> bool:
    if isinstance(value, str) and value.startswith("/"):
        raise TemplateError("is true or false: the program is the engine's own", where=where)
    return boolean(value, where)


def _text_map(value: Tree, where: str) -> dict[str, str]:
    return text_map(value, where)


def _logging(found: Mapping[str, Tree], where: str) -> dict[str, Any]:
    """Both `logging` and the first format's `log_driver` and `log_opt`."""
    at, section = below(where, "logging"), dict[str, Tree]()
    if "logging" in found:
        section = allowed(found["logging"], at, LOGGING_KEYS)
    driver = section.get("driver", found.get("log_driver", ""))
    options = section.get("options", found.get("log_opt", {}))
    if not driver and not options:
        return {}
    name = _matching(_DRIVER, "a driver's name")(driver, at)
    return {
        "logging": Logging(
            driver=name, options=text_map(mapping(options, at), below(at, "options"))
        )
    }


#: key -> field, and how it is read
_READERS: Mapping[str, tuple[str, Reader]] = {
    "tty": ("tty", boolean),
    "stdin_open": ("stdin_open", boolean),
    "read_only": ("read_only", boolean),
    "privileged": ("privileged", boolean),
    "init": ("init", _init),
    "domainname": ("domainname", _matching(_DOMAIN, "a domain")),
    "mac_address": ("mac_address", _matching(_MAC, "an address such as 02:42:ac:11:00:02")),
    "cap_add": ("cap_add", _list_of(_CAPABILITY, "a capability such as NET_ADMIN")),
    "cap_drop": ("cap_drop", _list_of(_CAPABILITY, "a capability such as NET_ADMIN")),
    "group_add": ("group_add", _list_of(_GROUP, "a group's name or number")),
    "security_opt": ("security_opt", _security),
    "dns": ("dns", _servers),
    "dns_search": ("dns_search", listed),
    "dns_options": ("dns_options", listed),
    "extra_hosts": ("extra_hosts", _hosts),
    "tmpfs": ("tmpfs", _tmpfs),
    "devices": ("devices", devices),
    "device_cgroup_rules": ("device_cgroup_rules", cgroup_rules),
    "gpus": ("device_requests", gpus),
    "sysctls": ("sysctls", _text_map),
    "storage_opt": ("storage_opt", _text_map),
    "ulimits": ("ulimits", ulimits),
    "cgroup_parent": ("cgroup_parent", _matching(_PARENT, "a cgroup")),
    "platform": ("platform", _matching(_PLATFORM, "a platform such as linux/amd64")),
    "runtime": ("runtime", _matching(_RUNTIME, "a runtime's name")),
    "volume_driver": ("volume_driver", _matching(_DRIVER, "a driver's name")),
    "cgroup": ("cgroup_mode", _one_of("host", "private", "")),
    # A Linux engine knows one isolation, which is the default: nothing is left to hand on.
    "isolation": ("", _one_of("default", "")),
    "cgroupns_mode": ("cgroup_mode", _one_of("host", "private", "")),
    "uts": ("uts_mode", _one_of("host", "")),
    "userns_mode": ("userns_mode", _one_of("host", "")),
}
