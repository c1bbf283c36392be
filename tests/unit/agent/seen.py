"""Builders of what was seen, and a pure node on which a plan can be carried out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    ContainerLabels,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    DisconnectNetwork,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from agent.domain.observation import (
    Attempts,
    Observation,
    Pulled,
    SeenContainer,
    SeenNetwork,
    SeenVolume,
)
from schemas.current import MountCurrent
from schemas.fingerprint import fingerprint, network_fingerprint, volume_fingerprint
from schemas.names import SlotKey
from schemas.service import ServiceSpec
from schemas.states import MountState
from tests.fakes.orders import a_spec

NOW = 10_000.0
IMAGES = {"web:1": "sha256:web1", "web:2": "sha256:web2"}


def a_container(
    service: str = "web",
    slot: int = 1,
    *,
    spec: ServiceSpec | None = None,
    project: str = "shop",
    set_name: str = "",
    **fields: Any,
) -> SeenContainer:
    spec = spec or a_spec()
    key = SlotKey(project, service, slot, set_name)
    shared = {mount.source: "i1" for mount in spec.volumes if mount.type == "cluster"}
    ready: dict[str, Any] = {
        "mounts": shared,
        "id": f"id-{key}",
        "name": str(key),
        "key": key,
        "status": "running",
        "fingerprint": fingerprint(spec),
        "image": spec.image,
        "image_id": IMAGES.get(spec.image, ""),
        "created_at": NOW - 100,
        "started_at": NOW - 100,
        "networks": frozenset(attachment.name for attachment in spec.networks),
        "volumes": frozenset(m.source for m in spec.volumes if m.type == "volume" and m.source),
    }
    return SeenContainer(**(ready | fields))


def exited(seen: SeenContainer, exit_code: int = 1, finished_at: float = NOW) -> SeenContainer:
    return replace(seen, status="exited", exit_code=exit_code, finished_at=finished_at)


def mounted(name: str = "photos", state: MountState = MountState.MOUNTED, **fields: str) -> Any:
    """What mountd reports of one volume, as `Observation.mounts` has it."""
    ready = {"incarnation": "i1", "mountpoint": f"/mnt/acs_mnt/nas/{name}"}
    return {name: MountCurrent(name=name, state=state, **(ready | fields))}


def an_observation(
    *containers: SeenContainer,
    networks: Iterable[str] | None = (),
    volumes: Iterable[str] | None = (),
    attempts: Mapping[SlotKey, Attempts] | None = None,
    **fields: Any,
) -> Observation:
    ready: dict[str, Any] = {
        "now": NOW,
        "containers": containers,
        "networks": None
        if networks is None
        else tuple(SeenNetwork(f"id-{name}", name, name.split("_")[0]) for name in networks),
        "volumes": None
        if volumes is None
        else tuple(SeenVolume(name, name.split("_")[0]) for name in volumes),
        "images": IMAGES,
        "attempts": attempts or {},
    }
    return Observation(**(ready | fields))


@dataclass(slots=True)
class PureNode:
    """Carries actions out on an observation, as an obedient engine would."""

    observed: Observation
    count: int = 0
    #: container id -> how often it was stopped or removed
    touched: dict[str, int] = field(default_factory=dict)

    def carry_out(self, action: Action) -> None:
        containers = {seen.id: seen for seen in self.observed.containers or ()}
        networks = {seen.name: seen for seen in self.observed.networks or ()}
        volumes = {seen.name: seen for seen in self.observed.volumes or ()}
        images = dict(self.observed.images or {})
        pulled = dict(self.observed.pulled)
        match action:
            case StopContainer(container_id=container_id):
                self._touch(container_id)
                seen = exited(containers[container_id], 143, self.observed.now)
                containers[container_id] = replace(seen, ports={})
            case RemoveContainer(container_id=container_id):
                self._touch(container_id)
                del containers[container_id]
            case RemoveNetwork(name=name):
                assert not any(name in seen.networks for seen in containers.values())
                del networks[name]
            case RemoveVolume(name=name):
                assert not any(name in seen.volumes for seen in containers.values())
                del volumes[name]
            case CreateNetwork(name=name, network=network):
                networks[name] = SeenNetwork(
                    name, name, network.project, network_fingerprint(network)
                )
            case CreateVolume(name=name, volume=volume):
                volumes[name] = SeenVolume(name, volume.project, volume_fingerprint(volume))
            case PullImage(reference=reference, orders=orders):
                images[reference] = f"sha256:{reference}"
                pulled |= dict.fromkeys(orders, Pulled(images[reference]))
            case CreateContainer(key=key, spec=spec, labels=labels):
                assert all(seen.key != key for seen in containers.values())
                assert spec.image in images
                made = self._made(spec, labels, images[spec.image])
                containers[made.id] = made
            case ConnectNetwork(key=key, container_id=container_id, attachment=attachment):
                assert attachment.name in networks
                chosen = container_id or next(s.id for s in containers.values() if s.key == key)
                joined = containers[chosen].networks | {attachment.name}
                containers[chosen] = replace(containers[chosen], networks=joined)
            case DisconnectNetwork(container_id=container_id, network=name):
                left = containers[container_id].networks - {name}
                containers[container_id] = replace(containers[container_id], networks=left)
            case StartContainer(key=key, container_id=container_id):
                chosen = container_id or next(s.id for s in containers.values() if s.key == key)
                containers[chosen] = replace(
                    containers[chosen],
                    status="running",
                    started_at=self.observed.now,
                    exit_code=None,
                )
            case _:
                assert_never(action)
        self.observed = replace(
            self.observed,
            containers=tuple(containers.values()),
            networks=tuple(networks.values()),
            volumes=tuple(volumes.values()),
            images=images,
            pulled=pulled,
        )

    def _made(self, spec: ServiceSpec, labels: ContainerLabels, image_id: str) -> SeenContainer:
        self.count += 1
        return a_container(
            labels.key.service,
            labels.key.slot,
            spec=spec,
            project=labels.key.project,
            set_name=labels.key.set_name,
            id=f"made-{self.count}-{labels.key}",
            status="created",
            started_at=None,
            version=labels.version,
            refresh=labels.refresh,
            image_id=image_id,
            mounts=dict(labels.mounts),
        )

    def _touch(self, container_id: str) -> None:
        self.touched[container_id] = self.touched.get(container_id, 0) + 1
