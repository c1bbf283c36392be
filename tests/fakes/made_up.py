"""What an engine in memory makes up where a real one has images, ports and a disk."""

import hashlib
from collections.abc import Collection, Mapping

from agent.adapters.docker_shares import shared_bind
from agent.domain.observation import SeenNetwork, SeenVolume
from agent.errors import ContainerRejected
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.fingerprint import network_fingerprint, volume_fingerprint
from schemas.service import Port, ServiceSpec


def image_id(reference: str) -> str:
    return "sha256:" + hashlib.sha256(reference.encode()).hexdigest()


def bindings(port: Port) -> tuple[tuple[str, int], ...]:
    # A real engine picks from the ephemeral range; any stable number does for a fake.
    return ((port.host_ip or "0.0.0.0", port.host_port or 32768 + port.container_port),)


def seen_network(network: DesiredNetwork) -> SeenNetwork:
    made_as = network_fingerprint(network)
    return SeenNetwork(image_id(network.name)[7:], network.name, network.project, made_as)


def seen_volume(volume: DesiredVolume) -> SeenVolume:
    return SeenVolume(volume.name, volume.project, volume_fingerprint(volume))


def require_shares(
    spec: ServiceSpec, incarnations: Mapping[str, str], mounted: Collection[str] | None
) -> None:
    """Refuse what the adapter refuses, and what is not there. None: everything is."""
    for mount in spec.volumes:
        if mount.type == "cluster":
            source = shared_bind(mount, "", incarnations)["Source"]
            if mounted is not None and mount.source not in mounted:
                raise ContainerRejected(f"bind source path does not exist: {source}")
