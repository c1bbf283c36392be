"""The sections `networks` and `volumes`: what a project declares for its services to use."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compose.errors import TemplateError, below, clipped, shown
from compose.mounts import is_volume_name
from compose.tree import Tree, boolean, is_extension, only_keys, text, text_map
from schemas.names import network_name, volume_name

_VOLUME_KEYS = ("driver", "driver_opts", "external", "labels", "name")
_NETWORK_KEYS = (*_VOLUME_KEYS, "attachable", "enable_ipv6", "internal", "ipam")
#: The engine has these from the start; joining them is a network mode.
_BUILT_IN = frozenset({"host", "none", "bridge"})


@dataclass(frozen=True, slots=True)
class Declared:
    """A network or a volume of the template. An external one exists already."""

    #: on the engine
    name: str
    driver: str
    is_external: bool = False
    is_internal: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def volumes(section: Mapping[str, Tree], project: str) -> dict[str, Declared]:
    """The declared volumes by their key."""
    found: dict[str, Declared] = {}
    for key, value in section.items():
        if is_extension(key):
            continue
        where = below("volumes", key)
        options = only_keys(value or {}, where, _VOLUME_KEYS)
        found[key] = _declared(options, key, where, volume_name(project, key), "local")
        if found[key].driver != "local" and not found[key].is_external:
            raise TemplateError(
                "only local is supported yet; a cluster volume is created with its own call",
                where=below(where, "driver"),
            )
    return found


def networks(section: Mapping[str, Tree], project: str) -> dict[str, Declared]:
    """The declared networks by their key."""
    found: dict[str, Declared] = {}
    for key, value in section.items():
        if is_extension(key):
            continue
        where = below("networks", key)
        options = only_keys(value or {}, where, _NETWORK_KEYS)
        _refuse_later(options, where)
        found[key] = _declared(options, key, where, network_name(project, key), "bridge")
        if found[key].driver not in {"bridge", "default"} and not found[key].is_external:
            raise TemplateError("only bridge is supported yet", where=below(where, "driver"))
        if found[key].name in _BUILT_IN:
            raise TemplateError("is joined with network_mode", where=where)
    return found


def _refuse_later(options: Mapping[str, Tree], where: str) -> None:
    for key in ("attachable", "enable_ipv6"):
        if boolean(options.get(key, False), below(where, key)):
            raise TemplateError("not supported yet", where=below(where, key))
    if options.get("ipam", {}) not in ({}, {"driver": "default"}):
        raise TemplateError("not supported yet", where=below(where, "ipam"))


def _declared(
    options: Mapping[str, Tree], key: str, where: str, own_name: str, driver: str
) -> Declared:
    if not is_volume_name(key):
        raise TemplateError(f"{clipped(key)} is no name for it", where=where)
    explicit = text(options["name"], below(where, "name")) if "name" in options else ""
    external = options.get("external", False)
    if isinstance(external, dict):
        named = only_keys(external, below(where, "external"), ("name",))
        is_external, explicit = True, text(named.get("name", explicit), below(where, "external"))
    else:
        is_external = boolean(external, below(where, "external"))
    if is_external:
        extra = set(options) - {"external", "name"}
        if extra:
            raise TemplateError(
                f"{min(extra)} says nothing about what exists already",
                where=below(where, "external"),
            )
    name = explicit or (key if is_external else own_name)
    if not is_volume_name(name):
        raise TemplateError(f"{shown(name)} is no name on an engine", where=where)
    return Declared(
        name,
        text(options.get("driver", driver), below(where, "driver")) or driver,
        is_external,
        boolean(options.get("internal", False), below(where, "internal")),
        text_map(options.get("driver_opts", {}), below(where, "driver_opts")),
        text_map(options.get("labels", {}), below(where, "labels")),
    )
