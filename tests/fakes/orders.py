"""Builders of orders: a test states only what matters to it."""

from collections.abc import Iterable
from typing import Any

from schemas.desired import (
    DesiredMount,
    DesiredNetwork,
    DesiredSlot,
    DesiredVolume,
    NodeDesired,
    Preparation,
)
from schemas.fingerprint import fingerprint
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.states import Wanted
from schemas.volume import NasOptions, VolumeSpec


def a_spec(image: str = "web:1", **fields: Any) -> ServiceSpec:
    return ServiceSpec(image=image, **fields)


def a_slot(
    service: str = "web",
    slot: int = 1,
    *,
    spec: ServiceSpec | None = None,
    wanted: Wanted = Wanted.RUNNING,
    project: str = "shop",
    **fields: Any,
) -> tuple[DesiredSlot, ServiceSpec]:
    """A slot and its spec: what `orders` puts together."""
    spec = spec or a_spec()
    key = fingerprint(spec)
    return (
        DesiredSlot(project=project, service=service, slot=slot, wanted=wanted, spec=key, **fields),
        spec,
    )


def orders(
    *slots: tuple[DesiredSlot, ServiceSpec],
    generation: int = 1,
    epoch: int = 1,
    networks: Iterable[DesiredNetwork] = (),
    volumes: Iterable[DesiredVolume] = (),
    mounts: Iterable[DesiredMount] = (),
    ahead: Iterable[ServiceSpec] = (),
) -> NodeDesired:
    """A document of these slots. `ahead`: the specs that they prepare."""
    return NodeDesired(
        node="n1",
        epoch=epoch,
        generation=generation,
        specs={fingerprint(spec): spec for spec in ahead}
        | {slot.spec: spec for slot, spec in slots},
        slots=tuple(slot for slot, _ in slots),
        networks=tuple(networks),
        volumes=tuple(volumes),
        mounts=tuple(mounts),
    )


def a_preparation(spec: ServiceSpec | None = None, **fields: Any) -> Preparation:
    """What a slot will be next, by default of an image that no fake node has."""
    return Preparation(spec=fingerprint(spec or a_spec("next:1")), **fields)


def a_network(name: str = "shop_default", project: str = "shop") -> DesiredNetwork:
    return DesiredNetwork(project=project, name=name)


def joining(name: str = "shop_default") -> tuple[NetworkAttachment, ...]:
    return (NetworkAttachment(name=name),)


def a_volume(name: str = "shop_db", project: str = "shop", **fields: Any) -> DesiredVolume:
    return DesiredVolume(project=project, name=name, **fields)


def a_mount(
    name: str = "photos", *, wanted: Wanted = Wanted.RUNNING, **fields: Any
) -> DesiredMount:
    """A shared volume, mounted at nas/<name>."""
    nas = NasOptions(host="10.0.0.9", path="/export")
    return DesiredMount(
        volume=VolumeSpec(name=name, driver="nas", nas=nas, **fields), wanted=wanted
    )


def sharing(name: str = "photos", image: str = "web:1", **fields: Any) -> ServiceSpec:
    """A spec that uses it, or a sub path of it."""
    inner = fields.pop("sub_path", "")
    mount = {
        "type": "cluster",
        "source": f"nas/{name}",
        "target": "/photos",
        "sub_path": inner,
    }
    return a_spec(image, volumes=(mount,), **fields)
