"""What an oracle's answer joins and mounts, by the names that an engine knows."""

from collections.abc import Mapping
from typing import Any

_PROPAGATIONS = {"shared", "rshared", "slave", "rslave", "private", "rprivate"}


def volumes(project: str, whole: Mapping[str, Any], value: Any) -> set[tuple[Any, ...]]:
    declared = whole.get("volumes", {})
    is_first = whole.get("version") == "1"
    found = set()
    for entry in value:
        if isinstance(entry, dict):
            kind, source, target = entry["type"], entry.get("source", ""), entry["target"]
            read_only = entry.get("read_only", False)
            no_copy = entry.get("volume", {}).get("nocopy", False)
            travels = entry.get("bind", {}).get("propagation", "")
            bytes_max = entry.get("tmpfs", {}).get("size")
        else:
            parts = entry.split(":")
            source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
            mode = set(parts[2].split(",")) if len(parts) > 2 else set()
            kind = "bind" if source.startswith("/") else "volume"
            read_only, no_copy = "ro" in mode, "nocopy" in mode
            travels = next(iter(mode & _PROPAGATIONS), "")
            bytes_max = None
        if kind == "volume" and source and not is_first:
            one = declared.get(source) or {}
            prefixed = source if one.get("external") else f"{project}_{source}"
            source = one.get("name", prefixed)
        found.add((kind, source, target, read_only, no_copy, travels, bytes_max))
    return found


def volumes_from(value: Any) -> tuple[str, ...]:
    found = []
    for entry in value:
        parts = entry.split(":")
        if parts[0] == "container":
            name, mode = parts[1], parts[2:]
        else:
            service, *mode = parts[1:] if parts[0] == "service" else parts
            name = f"service:{service}"
        found.append(f"{name}:{mode[0] if mode else 'rw'}")
    return tuple(found)


def networks(
    project: str, service: str, value: Any, declared: Mapping[str, Any]
) -> set[tuple[Any, ...]]:
    joined = value if isinstance(value, dict) else dict.fromkeys(value)
    found = set()
    for key, options in joined.items():
        one = declared.get(key) or {}
        name = one.get("name", key if one.get("external") else f"{project}_{key}")
        said = options or {}
        aliases = (service, *said.get("aliases", []))
        addresses = (said.get("ipv4_address", ""), said.get("ipv6_address", ""))
        found.add((name, aliases, *addresses, tuple(said.get("link_local_ips", []))))
    return found
