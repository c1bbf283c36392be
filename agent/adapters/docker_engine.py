"""`ContainerEngine` over docker-py, in threads. Decides nothing and blocks no one.

Reads and changes only what carries our labels, on the engine at one explicit URL. Here: what is
read, and images; `docker_containers`, `docker_belongings` and `docker_commands` do the rest.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping

from docker import APIClient
from docker.errors import APIError

from agent.adapters.docker_belongings import Belongings
from agent.adapters.docker_calls import EngineCalls
from agent.adapters.docker_commands import ProbeCommands
from agent.adapters.docker_containers import Containers
from agent.adapters.docker_faults import explanation, pull_fault
from agent.adapters.docker_labels import OURS
from agent.adapters.docker_logs import log_tail
from agent.adapters.docker_looks import Looks
from agent.adapters.docker_seen import seen_networks, seen_volumes
from agent.domain.observation import SeenContainer, SeenNetwork, SeenVolume
from agent.ports import ContainerLabels, EngineFacts
from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.volume import BASE_DIRECTORY

#: Reads have workers of their own: when stuck containers hold every changing call, the node can
#: still be observed.
_READERS = 4
#: The executor starts about two at a time per core; the others are for quick calls beside them.
_CHANGERS = 8
#: Containers with shared volumes have workers of their own: a dead file server may hold up every
#: call about them, and nobody else shall wait for it.
_SHARE_READERS, _SHARE_CHANGERS = 2, 4
#: Looks at containers that use shared volumes, or that the engine has hung on.
_DOUBTERS = 4
#: A probe's look-ups; a container that hangs its engine must not hold up changes of others.
_PROBERS = 2
#: Layers come in parallel inside one pull already. Two for slots, and two for what they prepare.
_PULLERS = 4

#: Logs are read for people, who can do without; a driver that hangs holds up nothing else.
_LOG_READERS = 2
_LOG_S = 3.0

#: A healthy engine answers in milliseconds; ten seconds of silence on a busy one is a fault.
_READ_S = 10.0
#: A start waits for the container's network, mounts and runtime; with many at once, for the disk.
_CHANGE_S = 60.0
_PULL_S = 1800.0
#: No progress for so long, and the registry is gone.
_PULL_SILENCE_S = 60.0


class DockerEngine:
    """The engine at `url`, such as unix:///run/docker.sock. Connects when it is first called.

    One for the whole agent. `close` it at the end. `read_s` and `change_s` are the deadlines of
    calls that only look, and of those that change something. Shared volumes are below
    `mount_base`.
    """

    def __init__(
        self,
        url: str,
        *,
        mount_base: str = BASE_DIRECTORY,
        read_s: float = _READ_S,
        change_s: float = _CHANGE_S,
    ) -> None:
        def calls(name: str, workers: int, timeout_s: float) -> EngineCalls:
            return EngineCalls(url, name=name, workers=workers, timeout_s=timeout_s)

        self._reads = calls("engine-read", _READERS, read_s)
        self._pulls = calls("engine-pull", _PULLERS, _PULL_S)
        self._changes = calls("engine-change", _CHANGERS, change_s)
        self._probes = calls("engine-probe", _PROBERS, read_s)
        self._share_reads = calls("engine-share-read", _SHARE_READERS, read_s)
        self._share_changes = calls("engine-share", _SHARE_CHANGERS, change_s)
        self._containers = Containers(self._reads, self._changes, mount_base)
        self._sharers = Containers(self._share_reads, self._share_changes, mount_base)
        self._sharing: set[str] = set()
        self._doubts = calls("engine-doubt", _DOUBTERS, read_s)
        self._looks = Looks(self._reads, self._doubts)
        self._belongings = Belongings(self._changes)
        self._commands = ProbeCommands(self._probes)
        self._logs = calls("engine-log", _LOG_READERS, _LOG_S)
        self._share_probes = calls("engine-share-probe", _PROBERS, read_s)
        self._share_commands = ProbeCommands(self._share_probes)

    def close(self) -> None:
        """Give the threads back. Calls that run end by their deadline."""
        for calls in (
            *(self._reads, self._changes, self._probes, self._pulls, self._logs),
            *(self._share_reads, self._share_changes, self._share_probes, self._doubts),
        ):
            calls.close()

    async def facts(self) -> EngineFacts:
        def ask(client: APIClient) -> EngineFacts:
            version, machine = client.version(), client.info()
            return EngineFacts(
                version=version["Version"],
                api_version=version["ApiVersion"],
                cpus=float(machine["NCPU"]),
                memory_bytes=int(machine["MemTotal"]),
            )

        return await self._reads.call("ask the engine about itself", ask)

    async def containers(self) -> tuple[SeenContainer, ...]:
        rows = await self._reads.call(
            "list containers", lambda c: c.containers(all=True, filters=OURS)
        )
        # The list lacks exit codes and times.
        seen = await self._looks.look(rows)
        present = {each.id for each in seen}
        for commands in (self._commands, self._share_commands):
            commands.forget_all_but(present)
        self._sharing = {each.id for each in seen if each.mounts}
        return seen

    async def networks(self) -> tuple[SeenNetwork, ...]:
        rows = await self._reads.call("list networks", lambda c: c.networks(filters=OURS))
        return seen_networks(rows)

    async def volumes(self) -> tuple[SeenVolume, ...]:
        answer = await self._reads.call("list volumes", lambda c: c.volumes(filters=OURS))
        return seen_volumes(answer["Volumes"])

    async def images(self, references: Iterable[str]) -> Mapping[str, str]:
        distinct = sorted(set(references))
        ids = await asyncio.gather(*(self._image_id(reference) for reference in distinct))
        return {ref: image_id for ref, image_id in zip(distinct, ids, strict=True) if image_id}

    async def pull(self, reference: str) -> None:
        deadline = time.monotonic() + _PULL_S

        def pull(client: APIClient) -> str:
            client.timeout = _PULL_SILENCE_S  # type: ignore[assignment]  # as in EngineCalls
            try:
                for line in client.pull(reference, stream=True, decode=True):
                    if time.monotonic() > deadline:
                        raise TimeoutError(reference)
                    if "error" in line:
                        return str(line["error"])
            except APIError as error:
                # The status differs by registry and by version, so the words have to tell.
                return explanation(error)
            return ""

        if said := await self._pulls.call(f"pull {reference}", pull):
            raise pull_fault(reference, said)

    async def create(self, name: str, spec: ServiceSpec, labels: ContainerLabels) -> str:
        if not labels.mounts:
            return await self._containers.create(name, spec, labels)
        container_id = await self._sharers.create(name, spec, labels)
        self._sharing.add(container_id)
        return container_id

    async def start(self, container_id: str) -> None:
        await self._beside(container_id).start(container_id)

    async def stop(self, container_id: str, *, signal: str, timeout_s: float) -> None:
        await self._beside(container_id).stop(container_id, signal=signal, timeout_s=timeout_s)

    async def kill(self, container_id: str, signal: str) -> None:
        await self._beside(container_id).kill(container_id, signal)

    async def remove(self, container_id: str, *, volumes: bool) -> None:
        await self._beside(container_id).remove(container_id, volumes=volumes)

    async def connect(self, container_id: str, attachment: NetworkAttachment) -> None:
        await self._beside(container_id).connect(container_id, attachment)

    async def disconnect(self, container_id: str, network: str) -> None:
        await self._beside(container_id).disconnect(container_id, network)

    async def create_network(self, network: DesiredNetwork) -> None:
        await self._belongings.create_network(network)

    async def remove_network(self, name: str) -> None:
        await self._belongings.remove_network(name)

    async def create_volume(self, volume: DesiredVolume) -> None:
        await self._belongings.create_volume(volume)

    async def remove_volume(self, name: str) -> None:
        await self._belongings.remove_volume(name)

    async def log_tail(self, container_id: str) -> tuple[str, ...]:
        return await log_tail(self._logs, container_id, _LOG_S)

    async def run_probe_command(self, container_id: str, command: str, timeout_s: float) -> int:
        commands = self._share_commands if self._may_hang(container_id) else self._commands
        return await commands.run(container_id, command, timeout_s)

    def _beside(self, container_id: str) -> Containers:
        """The calls that may wait for each other with those about this container."""
        return self._sharers if self._may_hang(container_id) else self._containers

    def _may_hang(self, container_id: str) -> bool:
        return container_id in self._sharing or self._looks.is_hung(container_id)

    async def _image_id(self, reference: str) -> str:
        def ask(client: APIClient) -> str:
            try:
                shown = client.inspect_image(reference)  # type: ignore[no-untyped-call]
                return str(shown["Id"])
            except APIError as error:
                # 400: no reference at all, which is certainly not on the node.
                if error.status_code in {400, 404}:
                    return ""
                raise

        return await self._reads.call(f"look up image {reference}", ask)
