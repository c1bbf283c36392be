"""`extends`: a service that starts from another one of the same template, and `profiles`.

Lists of one service are joined with those of the other, maps are laid over each other, and all
else is replaced. A service that needs others can't be extended, as with Compose: what it needs
would come with it unasked.
"""

from collections.abc import Callable, Mapping
from functools import partial

from compose.errors import TemplateError, below, clipped
from compose.files import target_of
from compose.inline import SECTIONS
from compose.limits import NODES_MAX
from compose.nested_keys import EXTENDS_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, text, texts

#: Which of a project's profiles are wanted; Compose's own variable.
PROFILES_VARIABLE = "COMPOSE_PROFILES"

#: `service` of an earlier one is named, so its own would have to come along.
_NEED_OTHERS = ("links", "volumes_from", "depends_on")
_SHARING = ("net", "network_mode", "pid", "ipc")
_PAIRS = frozenset({"environment", "labels", "sysctls", "extra_hosts", "storage_opt"})
_JOINED = frozenset(
    {
        "cap_add",
        "cap_drop",
        "device_cgroup_rules",
        "devices",
        "dns",
        "dns_opt",
        "dns_options",
        "dns_search",
        "expose",
        "external_links",
        "group_add",
        "ports",
        "security_opt",
        "tmpfs",
    }
)
_LAID_OVER = frozenset(
    {"blkio_config", "deploy", "healthcheck", "logging", "networks", "ulimits", "log_opt"}
)

Services = Mapping[str, dict[str, Tree]]


def extended(services: Services, where: str) -> dict[str, dict[str, Tree]]:
    """Every service with what it extends.

    Raises:
        TemplateError: a service that isn't there or can't be extended, or a circle.
    """
    done: dict[str, dict[str, Tree]] = {}
    room = [NODES_MAX]
    for name in services:
        _extend(name, services, where, done, room)
    return {name: done[name] for name in services}


def wanted(
    services: Services, where: str, environment: Mapping[str, str], notes: Notes
) -> dict[str, dict[str, Tree]]:
    """The services without those whose profiles nobody asked for."""
    active = {word.strip() for word in environment.get(PROFILES_VARIABLE, "").split(",")}
    kept: dict[str, dict[str, Tree]] = {}
    for name, service in services.items():
        at = below(below(where, name), "profiles")
        profiles = texts(service.get("profiles") or [], at)
        if not profiles or "*" in active or active & set(profiles):
            kept[name] = service
        else:
            shown = clipped(", ".join(profiles))
            notes.warn(f"left out: {PROFILES_VARIABLE} has none of {shown}", where=at)
    if services and not kept:
        raise TemplateError(f"{PROFILES_VARIABLE} leaves no service", where=where)
    return kept


def _extend(
    name: str,
    services: Services,
    where: str,
    done: dict[str, dict[str, Tree]],
    room: list[int],
) -> None:
    """Extend one service and those that it comes from, the first of them first."""
    chain = [name]
    while chain:
        current = chain[-1]
        own = services[current]
        at = below(below(where, current), "extends")
        if current in done:
            chain.pop()
        elif own.get("extends") is None:
            done[current] = own
        else:
            parent = _parent(own["extends"], at)
            if parent not in services:
                raise TemplateError(f"there is no service {clipped(parent)}", where=at)
            if parent in chain:
                raise TemplateError("services extend each other in a circle", where=at)
            if parent in done:
                _check_extendable(parent, done[parent], at)
                done[current] = _merged(done[parent], own)
                room[0] -= _size(done[current])
                if room[0] < 0:
                    raise TemplateError("the template is too large when extended", where=at)
            else:
                chain.append(parent)


def _parent(value: Tree, where: str) -> str:
    if isinstance(value, str):
        return value
    found = allowed(value, where, EXTENDS_KEYS)
    if "service" not in found:
        raise TemplateError("needs the name of a service", where=where)
    return text(found["service"], below(where, "service"))


def _check_extendable(name: str, service: Mapping[str, Tree], where: str) -> None:
    for key in _NEED_OTHERS:
        if service.get(key):
            raise TemplateError(f"{clipped(name)} has {key}: it can't be extended", where=where)
    for key in _SHARING:
        mode = service.get(key)
        if isinstance(mode, str) and mode.startswith(("service:", "container:")):
            raise TemplateError(f"{clipped(name)} has {key}: it can't be extended", where=where)


def _merged(parent: Mapping[str, Tree], own: Mapping[str, Tree]) -> dict[str, Tree]:
    merged = {key: value for key, value in parent.items() if key not in {"extends", "profiles"}}
    for key, value in own.items():
        if key == "extends":
            continue
        before = merged.get(key)
        if before is None or value is None:
            merged[key] = value if before is None else before
        elif key in _PAIRS:
            merged[key] = _pairs(before) | _pairs(value)
        elif key == "volumes":
            merged[key] = _by(_target, before, value)
        elif key in SECTIONS:
            merged[key] = _by(partial(target_of, key), before, value)
        elif key in _JOINED:
            merged[key] = _by(repr, before, value)
        elif key in _LAID_OVER and isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _laid_over(before, value)
        else:
            merged[key] = value
    return merged


def _pairs(value: Tree) -> dict[str, Tree]:
    """A list of `k=v` or `k:v` as a map; what is neither is left to its reader to refuse."""
    if isinstance(value, dict):
        return value
    found: dict[str, Tree] = {}
    for entry in value if isinstance(value, list) else [value]:
        written = str(entry)
        name, separator, given = written.partition("=")
        if not separator and ":" in written:
            name, separator, given = written.partition(":")
        found[name] = given if separator else None
    return found


def _by(key: Callable[[Tree], str], before: Tree, value: Tree) -> Tree:
    """Both lists, an entry of the second in place of one of the first with the same key."""
    both = [one for part in (before, value) for one in (part if isinstance(part, list) else [part])]
    return list({key(entry): entry for entry in both}.values())


def _target(entry: Tree) -> str:
    if isinstance(entry, dict):
        return str(entry.get("target"))
    parts = str(entry).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _laid_over(before: dict[str, Tree], value: dict[str, Tree]) -> dict[str, Tree]:
    # As deep as the tree, which parsing has bounded.
    merged = dict(before)
    for key, item in value.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(item, dict)
        merged[key] = _laid_over(old, item) if both else item  # type: ignore[arg-type]
    return merged


def _size(value: Tree) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1
