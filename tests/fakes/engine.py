"""An engine in memory, with real-looking state: what the contract suite compares with dockerd.

Scriptable: `fail` makes the next calls of a verb fail, `hold` makes them wait, `behave` says what
a container of an image does when it is started or signalled.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from agent.domain.log_tails import tail
from agent.domain.observation import SeenContainer, SeenVolume
from agent.errors import (
    ContainerRejected,
    EngineFailed,
    EngineUnavailable,
    ImageNotFound,
    PortTaken,
    PullFailed,
)
from agent.ports import ContainerLabels, EngineEvent, EngineFacts
from schemas.service import ServiceSpec
from schemas.states import Health
from tests.fakes.belongings import FakeBelongings
from tests.fakes.made_up import bindings, image_id, require_shares
from tests.fakes.script import Behaviour


class FakeEngine(FakeBelongings):
    """`ContainerEngine` and `EngineEvents` over dictionaries."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, images: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self.clock = clock
        self.specs: dict[str, ServiceSpec] = {}
        #: on the node, and what a pull would bring
        self.local_images: dict[str, str] = {ref: image_id(ref) for ref in images}
        self.registry: dict[str, str] = {}
        self.is_registry_away = False
        self.foreign_names: set[str] = set()
        self.foreign_ports: set[int] = set()
        #: the shared volumes that are there, by mount path; None: any
        self.mounted: set[str] | None = None
        self.behaviours: dict[str, Behaviour] = {}
        self.probe_exit_codes: dict[str, int] = {}
        #: by container id; missing: its log can't be read
        self.logs: dict[str, str] = {}
        self.logs_read: list[str] = []
        self._listeners: set[asyncio.Queue[EngineEvent | None]] = set()
        self._count = 0

    # -- scripting ---------------------------------------------------------------------------

    def behave(self, image: str, behaviour: Behaviour) -> None:
        self.behaviours[image] = behaviour

    def change_image(self, reference: str, version: str) -> None:
        """Let a tag on the node point to other content."""
        self.local_images[reference] = image_id(reference + version)

    def die(self, container_id: str, exit_code: int = 137, *, oom_killed: bool = False) -> None:
        """A container ends, by itself or by somebody's hand."""
        seen = self.boxes[container_id]
        if not seen.is_running:
            return
        self.boxes[container_id] = replace(
            seen,
            status="exited",
            exit_code=exit_code,
            oom_killed=oom_killed,
            finished_at=self.clock(),
            health=Health.NONE,
            ip="",
            ports={},
        )
        self._tell("die", seen)

    def vanish(self, container_id: str) -> None:
        """Somebody removes a container by force."""
        self.die(container_id)
        seen = self.boxes.pop(container_id)
        del self.specs[container_id]
        self.logs.pop(container_id, None)
        self._tell("destroy", seen)

    def show_health(self, container_id: str, health: Health) -> None:
        self.boxes[container_id] = replace(self.boxes[container_id], health=health)
        self._tell("health_status", self.boxes[container_id])

    def cut_events(self) -> None:
        """End every event stream, as a restarting engine does."""
        for listener in self._listeners:
            listener.put_nowait(None)

    def named(self, name: str) -> SeenContainer:
        return next(seen for seen in self.boxes.values() if seen.name == name)

    # -- ContainerEngine: reading ------------------------------------------------------------

    async def facts(self) -> EngineFacts:
        await self.begin("facts", "")
        return EngineFacts(version="20.10", api_version="1.41", cpus=2.0, memory_bytes=2**30)

    async def containers(self) -> tuple[SeenContainer, ...]:
        await self.begin("containers", "")
        return tuple(self.boxes.values())

    async def images(self, references: Iterable[str]) -> Mapping[str, str]:
        await self.begin("images", "")
        return {ref: self.local_images[ref] for ref in references if ref in self.local_images}

    # -- ContainerEngine: changing -----------------------------------------------------------

    async def pull(self, reference: str) -> None:
        await self.begin("pull", reference)
        if self.is_registry_away:
            raise PullFailed(f"pull {reference}: connection refused")
        if reference not in self.registry:
            raise ImageNotFound(f"pull {reference}: manifest unknown")
        self.local_images[reference] = self.registry[reference]

    async def create(self, name: str, spec: ServiceSpec, labels: ContainerLabels) -> str:
        await self.begin("create", name)
        if name in self.foreign_names:
            raise ContainerRejected(f"name {name} belongs to a container that is not ours")
        for seen in self.boxes.values():
            if seen.name == name:
                if seen.mounts != dict(labels.mounts):
                    raise EngineFailed(f"an older container still has the name {name}")
                return seen.id
        if spec.image not in self.local_images:
            raise ImageNotFound(f"image {spec.image} is not on this node")
        for attachment in spec.networks:
            if attachment.name not in self.nets:
                raise ContainerRejected(f"network {attachment.name} does not exist")
        require_shares(spec, dict(labels.mounts), self.mounted)
        self._count += 1
        seen = SeenContainer(
            id=hashlib.sha256(f"{name}{self._count}".encode()).hexdigest(),
            name=name,
            key=labels.key,
            status="created",
            fingerprint=labels.fingerprint,
            version=labels.version,
            refresh=labels.refresh,
            epoch=labels.epoch,
            image=spec.image,
            image_id=self.local_images[spec.image],
            created_at=self.clock(),
            volumes=frozenset(m.source for m in spec.volumes if m.type == "volume" and m.source),
            networks=frozenset(attachment.name for attachment in spec.networks),
            mounts=dict(labels.mounts),
        )
        for volume in seen.volumes:
            self.vols.setdefault(volume, SeenVolume(volume, labels.key.project))
        self.boxes[seen.id] = seen
        self.specs[seen.id] = spec
        self._tell("create", seen)
        return seen.id

    async def start(self, container_id: str) -> None:
        await self.begin("start", self.name_of(container_id))
        seen = self.existing(container_id)
        if seen.is_running:
            return
        spec = self.specs[container_id]
        require_shares(spec, seen.mounts, self.mounted)
        for port in spec.ports:
            if port.host_port is not None and port.host_port in self._taken_ports():
                raise PortTaken(f"port {port.host_port} is in use on this node")
        behaviour = self.behaviours.get(seen.image, Behaviour())
        self.boxes[container_id] = replace(
            seen,
            status="running",
            started_at=self.clock(),
            finished_at=None,
            exit_code=None,
            health=behaviour.health,
            ip="" if spec.network_mode else f"172.18.0.{2 + self._count % 250}",
            ports={f"{port.container_port}/{port.protocol}": bindings(port) for port in spec.ports},
        )
        self.logs[container_id] = self.logs.get(container_id, "") + behaviour.prints
        self._tell("start", self.boxes[container_id])
        if behaviour.exits_with is not None:
            self.die(container_id, behaviour.exits_with)

    async def stop(self, container_id: str, *, signal: str, timeout_s: float) -> None:
        await self.begin("stop", self.name_of(container_id))
        seen = self.boxes.get(container_id)
        if seen is None or not seen.is_running:
            return
        obeys_after_s = self.behaviours.get(seen.image, Behaviour()).stops_after_s
        is_kill = signal.removeprefix("SIG") == "KILL"
        if is_kill or obeys_after_s is None or obeys_after_s > timeout_s:
            await self._while_running(container_id, 0.0 if is_kill else timeout_s)
            exit_code = 137
        else:
            await self._while_running(container_id, obeys_after_s)
            exit_code = 143
        if container_id in self.boxes:
            self.die(container_id, exit_code)

    async def kill(self, container_id: str, signal: str) -> None:
        await self.begin("kill", f"{self.name_of(container_id)} {signal}")
        seen = self.boxes.get(container_id)
        if seen is not None and seen.is_running and signal.removeprefix("SIG") == "KILL":
            self.die(container_id, 137)

    async def remove(self, container_id: str, *, volumes: bool) -> None:
        await self.begin("remove", self.name_of(container_id))
        if container_id in self.boxes:
            self.vanish(container_id)

    async def log_tail(self, container_id: str) -> tuple[str, ...]:
        self.logs_read.append(self.name_of(container_id))
        await self.begin("log_tail", "")
        return tail(self.logs.get(container_id, "").encode())

    async def run_probe_command(self, container_id: str, command: str, timeout_s: float) -> int:
        await self.begin("run_probe_command", command)
        self.existing(container_id)
        return self.probe_exit_codes.get(command, 0)

    # -- EngineEvents ------------------------------------------------------------------------

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[EngineEvent]]:
        if self.is_down:
            raise EngineUnavailable("the engine is down")
        mine: asyncio.Queue[EngineEvent | None] = asyncio.Queue()
        self._listeners.add(mine)
        try:
            yield _until_none(mine)
        finally:
            self._listeners.discard(mine)

    # -- inside ------------------------------------------------------------------------------

    async def _while_running(self, container_id: str, seconds: float) -> None:
        """Sleep, but no longer than the container runs: another stop may be faster."""
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            if container_id not in self.boxes or not self.boxes[container_id].is_running:
                return
            await asyncio.sleep(min(left, 0.05))

    def _taken_ports(self) -> set[int]:
        ours = {
            host_port
            for seen in self.boxes.values()
            for bindings in seen.ports.values()
            for _, host_port in bindings
        }
        return ours | self.foreign_ports

    def _tell(self, action: str, seen: SeenContainer) -> None:
        event = EngineEvent(action, seen.id, seen.key, {"name": seen.name}, self.clock())
        for listener in self._listeners:
            listener.put_nowait(event)


async def _until_none(queue: asyncio.Queue[EngineEvent | None]) -> AsyncIterator[EngineEvent]:
    while (event := await queue.get()) is not None:
        yield event
