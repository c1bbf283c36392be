"""The sections `networks` and `volumes`: what a project declares for its services to use."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compose.addresses import address_plan
from compose.errors import TemplateError, below, clipped, shown
from compose.mounts import is_volume_name
from compose.nested_keys import EXTERNAL_KEYS, allowed
from compose.notes import Notes
from compose.own_labels import own_labels
from compose.section_keys import NETWORK_KEYS, VOLUME_KEYS, understood_section
from compose.tree import Tree, boolean, is_extension, text, text_map
from schemas.desired import AddressPlan
from schemas.names import network_name, volume_name

#: Cluster volumes: they have their own calls, and are mounted by the agent.
_CLUSTER_DRIVERS = frozenset({"nas", "ossfs"})
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
    is_attachable: bool = False
    has_ipv6: bool = False
    addresses: AddressPlan | None = None


def volumes(section: Mapping[str, Tree], project: str, notes: Notes) -> dict[str, Declared]:
    """The declared volumes by their key."""
    found: dict[str, Declared] = {}
    for key, value in section.items():
        if is_extension(key):
            continue
        where = below("volumes", key)
        options = understood_section(value or {}, where, VOLUME_KEYS, notes)
        found[key] = _declared(
            options, key, where, volume_name(project, key), driver="local", notes=notes
        )
        if found[key].driver in _CLUSTER_DRIVERS:
            raise TemplateError(
                "a cluster volume is created with its own call, and external here",
                where=below(where, "driver"),
            )
    return found


def networks(section: Mapping[str, Tree], project: str, notes: Notes) -> dict[str, Declared]:
    """The declared networks by their key."""
    found: dict[str, Declared] = {}
    for key, value in section.items():
        if is_extension(key):
            continue
        where = below("networks", key)
        options = understood_section(value or {}, where, NETWORK_KEYS, notes)
        one = _declared(
            options, key, where, network_name(project, key), driver="bridge", notes=notes
        )
        if one.name in _BUILT_IN:
            raise TemplateError("is joined with network_mode", where=where)
        found[key] = replace(
            one,
            driver=_network_driver(one.driver, below(where, "driver"), notes),
            is_attachable=boolean(options.get("attachable", False), below(where, "attachable")),
            has_ipv6=boolean(options.get("enable_ipv6", False), below(where, "enable_ipv6")),
            addresses=address_plan(options.get("ipam", {}), below(where, "ipam")),
        )
    return found


def _network_driver(driver: str, where: str, notes: Notes) -> str:
    if driver == "overlay":
        notes.warn("made as a bridge on every node: it doesn't lead from node to node", where=where)
    return "bridge" if driver in {"overlay", "default"} else driver


def _declared(
    options: Mapping[str, Tree],
    key: str,
    where: str,
    own_name: str,
    *,
    driver: str,
    notes: Notes,
) -> Declared:
    if not is_volume_name(key):
        raise TemplateError(f"{clipped(key)} is no name for it", where=where)
    explicit = text(options["name"], below(where, "name")) if "name" in options else ""
    external = options.get("external", False)
    if isinstance(external, dict):
        named = allowed(external, below(where, "external"), EXTERNAL_KEYS)
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
        own_labels(options.get("labels", {}), below(where, "labels"), notes),
    )
