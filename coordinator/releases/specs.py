"""A service's spec as its engine gets it: names of its set in the place of symbols. Pure.

What a record keeps is symbolic where it names other things of its project: `service:db` is the
first container of `db`, and a network has the name that the first set gives it. Which container and
which network that is follows from the sets that the services are of, and is put in here. Without
sets nothing is replaced, and the spec is the very same.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from schemas.names import container_name, network_of_set
from schemas.service import NetworkAttachment, ServiceSpec

_SERVICE = "service:"

#: service -> the set that its slots are of
SetOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the symbols of one service mean."""

    project: str
    set_of: SetOf
    #: the project's own networks, as the first set calls them
    networks: Collection[str]
    #: the set whose networks the service is in
    network_set: str = ""


def resolved(spec: ServiceSpec, around: Surroundings) -> ServiceSpec:
    """The spec with names in the place of symbols."""
    modes = {
        name: f"container:{_first(mode, around)}"
        for name in ("network_mode", "pid_mode", "ipc_mode")
        if (mode := getattr(spec, name)).startswith(_SERVICE)
    }
    changed: dict[str, object] = dict(modes)
    if any(one.startswith(_SERVICE) for one in spec.volumes_from):
        changed["volumes_from"] = tuple(_volumes_from(one, around) for one in spec.volumes_from)
    if around.network_set and any(one.name in around.networks for one in spec.networks):
        changed["networks"] = tuple(
            in_set(one, around.network_set) if one.name in around.networks else one
            for one in spec.networks
        )
    return spec.model_copy(update=changed) if changed else spec


def in_set(attachment: NetworkAttachment, set_name: str) -> NetworkAttachment:
    """The same in a set's own network, whose addresses are the engine's to choose."""
    return NetworkAttachment(
        name=network_of_set(attachment.name, set_name),
        aliases=attachment.aliases,
        links=attachment.links,
    )


def owners_of(spec: ServiceSpec) -> frozenset[str]:
    """The services in whose containers the service lives."""
    modes = (spec.network_mode, spec.pid_mode, spec.ipc_mode)
    found = {mode.removeprefix(_SERVICE) for mode in modes if mode.startswith(_SERVICE)}
    volumes = (one.rpartition(":")[0] for one in spec.volumes_from if one.startswith(_SERVICE))
    return frozenset(found | {one.removeprefix(_SERVICE) for one in volumes})


def _first(symbol: str, around: Surroundings) -> str:
    service = symbol.removeprefix(_SERVICE)
    return container_name(around.project, service, 1, around.set_of(service))


def _volumes_from(written: str, around: Surroundings) -> str:
    if not written.startswith(_SERVICE):
        return written
    symbol, _, mode = written.rpartition(":")
    return f"{_first(symbol, around)}:{mode}"
