"""Networks and volumes of an engine in memory, and which containers are in them."""

from dataclasses import replace

from agent.domain.observation import SeenContainer, SeenNetwork, SeenVolume
from agent.errors import ContainerRejected, EngineFailed
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.service import NetworkAttachment
from tests.fakes.made_up import seen_network, seen_volume
from tests.fakes.script import Script


class FakeBelongings(Script):
    """The part of `ContainerEngine` that is about what containers share."""

    def __init__(self) -> None:
        super().__init__()
        self.boxes: dict[str, SeenContainer] = {}
        self.nets: dict[str, SeenNetwork] = {}
        self.vols: dict[str, SeenVolume] = {}

    async def networks(self) -> tuple[SeenNetwork, ...]:
        await self.begin("networks", "")
        return tuple(self.nets.values())

    async def volumes(self) -> tuple[SeenVolume, ...]:
        await self.begin("volumes", "")
        return tuple(self.vols.values())

    async def connect(self, container_id: str, attachment: NetworkAttachment) -> None:
        await self.begin("connect", f"{self.name_of(container_id)} {attachment.name}")
        seen = self.existing(container_id)
        if attachment.name not in self.nets:
            raise EngineFailed(f"network {attachment.name} not found")
        self.boxes[container_id] = replace(seen, networks=seen.networks | {attachment.name})

    async def disconnect(self, container_id: str, network: str) -> None:
        await self.begin("disconnect", f"{self.name_of(container_id)} {network}")
        seen = self.boxes.get(container_id)
        if seen is not None and network in seen.networks:
            if network not in self.nets:
                raise ContainerRejected(f"network {network} is not ours")
            self.boxes[container_id] = replace(seen, networks=seen.networks - {network})

    async def create_network(self, network: DesiredNetwork) -> None:
        await self.begin("create_network", network.name)
        self.nets.setdefault(network.name, seen_network(network))

    async def remove_network(self, name: str) -> None:
        await self.begin("remove_network", name)
        if any(name in seen.networks and seen.is_running for seen in self.boxes.values()):
            raise EngineFailed(f"network {name} has active endpoints")
        self.nets.pop(name, None)

    async def create_volume(self, volume: DesiredVolume) -> None:
        await self.begin("create_volume", volume.name)
        self.vols.setdefault(volume.name, seen_volume(volume))

    async def remove_volume(self, name: str) -> None:
        await self.begin("remove_volume", name)
        if any(name in seen.volumes for seen in self.boxes.values()):
            raise EngineFailed(f"volume {name} is in use")
        self.vols.pop(name, None)

    def existing(self, container_id: str) -> SeenContainer:
        if container_id not in self.boxes:
            raise EngineFailed(f"no such container: {container_id[:12]}")
        return self.boxes[container_id]

    def name_of(self, container_id: str) -> str:
        seen = self.boxes.get(container_id)
        return seen.name if seen else container_id
