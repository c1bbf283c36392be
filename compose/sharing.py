"""What a service shares with another container: its network, processes, memory or volumes.

`service:NAME` is one of the template's and runs first, on the same node; `container:NAME` is any
container of the engine. In the first format `container:NAME` is a service where one is called so,
and what `volumes_from` names is a container where no service is called so.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from compose.declared import Declared
from compose.dependencies import Dependency
from compose.errors import TemplateError, below, clipped, shown
from compose.mounts import is_volume_name
from compose.notes import Notes
from compose.tree import Tree, text, texts

#: The engine's own words for each kind of namespace.
_MODES: Mapping[str, frozenset[str]] = {
    "network_mode": frozenset({"host", "none", "bridge", "default"}),
    "pid": frozenset({"host"}),
    "ipc": frozenset({"host", "none", "private", "shareable"}),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Another container, by the service that it is the first of, or by its own name."""

    where: str
    service: str = ""
    container: str = ""
    #: of volumes
    mode: str = ""

    @property
    def symbol(self) -> str:
        """A container's name on its engine, or `service:NAME`: its set decides about the name."""
        return f"service:{self.service}" if self.service else self.container


@dataclass(frozen=True, slots=True)
class Sharing:
    """The modes of one service; a mode is a word of the engine or a reference."""

    network: str | Reference = ""
    pid: str | Reference = ""
    ipc: str | Reference = ""
    volumes: tuple[Reference, ...] = ()

    @property
    def references(self) -> tuple[Reference, ...]:
        modes = (self.network, self.pid, self.ipc)
        return (*(one for one in modes if isinstance(one, Reference)), *self.volumes)

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        return tuple(Dependency(one.service, one.where) for one in self.references if one.service)


def sharing(found: Mapping[str, Tree], where: str) -> Sharing:
    """Read `network_mode` or `net`, `pid`, `ipc` and `volumes_from`.

    Raises:
        TemplateError: a mode that no engine has.
    """
    network: str | Reference = ""
    for key in ("network_mode", "net"):
        if key in found:
            network = _mode(found[key], "network_mode", below(where, key))
    at = below(where, "volumes_from")
    written = texts(found.get("volumes_from", []), at)
    return Sharing(
        network,
        _mode(found.get("pid", ""), "pid", below(where, "pid")),
        _mode(found.get("ipc", ""), "ipc", below(where, "ipc")),
        tuple(_volumes(one, below(at, index)) for index, one in enumerate(written)),
    )


def check_sharing(found: Mapping[str, Tree], shared: Sharing, where: str) -> None:
    """Make sure that the engine would take the keys together: it refuses them one by one, later.

    Raises:
        TemplateError: a key is about a network that the service doesn't have for itself.
    """
    refused: Collection[str] = ()
    reason = ""
    if isinstance(shared.network, Reference):
        refused = ("ports", "expose", "hostname", "dns", "extra_hosts", "mac_address")
        reason = "is up to the container whose network it shares"
    elif shared.network == "host":
        refused, reason = ("mac_address",), "has no meaning on the host's network"
    for key in refused:
        if found.get(key):
            raise TemplateError(reason, where=below(where, key))
    if found.get("uts") == "host" and found.get("hostname"):
        raise TemplateError("is the node's own with uts: host", where=below(where, "hostname"))


def check_network(
    mode: str | Reference, own: Mapping[str, Declared], where: str, notes: Notes
) -> None:
    """Look at a mode that is a network's name; `own` are those of the template.

    Raises:
        TemplateError: it is one of the template's, which has another name on the engine.
    """
    if isinstance(mode, Reference) or not mode or mode in _MODES["network_mode"]:
        return
    if mode in own and own[mode].name != mode:
        raise TemplateError("a network of the template is joined with networks", where=where)
    notes.warn(
        f"{clipped(mode)} must be a network on every node already: it is not made", where=where
    )


def with_services(one: Sharing, services: Collection[str]) -> Sharing:
    """The sharing with containers that are really services, as the first format writes them."""

    def known(mode: str | Reference) -> str | Reference:
        if isinstance(mode, Reference) and mode.container in services:
            return Reference(mode.where, service=mode.container, mode=mode.mode)
        return mode

    def mounted(volumes: Reference) -> Reference:
        if services and volumes.service and volumes.service not in services:
            return Reference(volumes.where, container=volumes.service, mode=volumes.mode)
        return volumes

    return replace(
        one,
        network=known(one.network),
        pid=known(one.pid),
        ipc=known(one.ipc),
        volumes=tuple(map(mounted, one.volumes)),
    )


def mode_symbol(mode: str | Reference) -> str:
    """A mode as the engine takes it, but for `service:NAME`."""
    if not isinstance(mode, Reference):
        return mode
    return mode.symbol if mode.service else f"container:{mode.container}"


def _mode(value: Tree, kind: str, where: str) -> str | Reference:
    mode = text(value, where)
    if not mode or mode in _MODES[kind]:
        return mode
    if kind == "network_mode" and is_volume_name(mode):
        # The engine's own networks, as they are there: nobody makes one of that name.
        return mode
    what, _, name = mode.partition(":")
    if what not in {"service", "container"} or not is_volume_name(name):
        words = ", ".join(sorted(_MODES[kind]))
        raise TemplateError(
            f"must be {words}, service:NAME or container:NAME, not {shown(mode)}", where=where
        )
    return Reference(where, **{what: name})


def _volumes(written: str, where: str) -> Reference:
    """`service[:mode]`, or `container:name[:mode]`."""
    is_container = written.startswith("container:")
    name, _, mode = written.removeprefix("container:").partition(":")
    if mode not in {"", "ro", "rw"} or not is_volume_name(name):
        raise TemplateError(
            f"must be a service or container:NAME, then :ro or :rw, not {shown(written)}",
            where=where,
        )
    kind = "container" if is_container else "service"
    return Reference(where, mode=mode or "rw", **{kind: name})
