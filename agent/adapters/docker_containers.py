"""One container's way through the engine: create, connect, start, stop, kill, remove.

Each call looks first whether the container is ours. What is done already is success, so a pass
that was interrupted anywhere can be repeated.
"""

import asyncio

from docker import APIClient
from docker.errors import APIError, NotFound

from agent.adapters import docker_labels as label
from agent.adapters.docker_belongings import network_named, require_ours
from agent.adapters.docker_calls import EngineCalls
from agent.adapters.docker_files import archive
from agent.adapters.docker_seen import Shown, labels_of, name_of, networks_of
from agent.adapters.docker_specs import creation
from agent.errors import ContainerRejected, EngineFailed, EngineTimeout
from agent.ports import ContainerLabels
from schemas.service import NetworkAttachment, ServiceSpec

#: From SIGKILL to an ended container; more means a task stuck in the kernel.
_DEATH_S = 10.0
#: An ending container is looked at often first, since most end at once, then less and less.
_LOOK_S_FIRST, _LOOK_S_MAX, _LOOK_GROWTH = 0.02, 0.25, 1.5


async def inspection(
    reads: EngineCalls, container_id_or_name: str, timeout_s: float | None = None
) -> Shown | None:
    """What the engine shows of a container; None when there is none."""

    def inspect(client: APIClient) -> Shown | None:
        try:
            shown: Shown = client.inspect_container(container_id_or_name)
        except NotFound:
            return None
        return shown

    return await reads.call(f"inspect {container_id_or_name[:63]}", inspect, timeout_s)


class Containers:
    """The changing calls of `ContainerEngine` that are about one container."""

    def __init__(self, reads: EngineCalls, changes: EngineCalls, mount_base: str) -> None:
        self._reads = reads
        self._changes = changes
        self._mount_base = mount_base

    async def create(self, name: str, spec: ServiceSpec, labels: ContainerLabels) -> str:
        body = creation(spec, labels, self._mount_base)

        def create(client: APIClient) -> str | None:
            try:
                created = client.create_container_from_config(  # type: ignore[no-untyped-call]
                    body, name, platform=spec.platform or None
                )
                return str(created["Id"])
            except APIError as error:
                if error.status_code == 409:
                    return None
                raise

        container_id = await self._changes.call(f"create {name}", create)
        if container_id is None:
            held = await inspection(self._reads, name)
            container_id = _adopted(name, held, labels)
            joined = networks_of(held) if held else frozenset()
        else:
            joined = frozenset()
        await self._join(name, container_id, body["Labels"], joined)
        if spec.files:
            # Into its own layer, and anew each time: an earlier attempt may have ended before this.
            packed = archive(spec.files)
            await self._changes.call(
                f"write the files of {name}", lambda c: c.put_archive(container_id, "/", packed)
            )
        return container_id

    async def start(self, container_id: str) -> None:
        shown = await self._ours("start", container_id)
        if shown is None:
            raise EngineFailed(f"start {container_id[:12]}: it is gone")
        name = name_of(shown)
        await self._join(name, container_id, labels_of(shown), networks_of(shown))
        await self._changes.call(f"start {name}", lambda c: c.start(container_id))

    async def stop(self, container_id: str, *, signal: str, timeout_s: float) -> None:
        # Not the engine's own stop: it would hold a worker for the whole time-out, and before
        # API 1.42 it takes no signal.
        shown = await self._ours("stop", container_id)
        if shown is None or not shown["State"]["Running"]:
            return
        await self._signal(shown, signal or shown["Config"].get("StopSignal") or "SIGTERM")
        if await self._ends_within(timeout_s, container_id):
            return
        await self._signal(shown, "SIGKILL")
        if not await self._ends_within(_DEATH_S, container_id):
            raise EngineTimeout(f"stop {name_of(shown)}: it still runs, {_DEATH_S:g} s after KILL")

    async def kill(self, container_id: str, signal: str) -> None:
        shown = await self._ours("kill", container_id)
        if shown is not None and shown["State"]["Running"]:
            await self._signal(shown, signal)

    async def connect(self, container_id: str, attachment: NetworkAttachment) -> None:
        shown = await self._ours("connect", container_id)
        if shown is None:
            raise EngineFailed(f"connect {container_id[:12]} to {attachment.name}: it is gone")
        if attachment.name not in networks_of(shown):
            await self._connect(name_of(shown), container_id, attachment)

    async def disconnect(self, container_id: str, network: str) -> None:
        shown = await self._ours("disconnect", container_id)
        if shown is None or network not in networks_of(shown):
            return
        doing = f"disconnect {name_of(shown)} from {network}"

        def disconnect(client: APIClient) -> None:
            require_ours(doing, network_named(client, network))
            try:
                client.disconnect_container_from_network(container_id, network)
            except APIError as error:
                # It has left by itself since we looked.
                said = str(error.explanation)
                if error.status_code != 404 and "is not connected" not in said:
                    raise

        await self._changes.call(doing, disconnect)

    async def remove(self, container_id: str, *, volumes: bool) -> None:
        shown = await self._ours("remove", container_id)
        if shown is None:
            return
        doing = f"remove {name_of(shown)}"

        def remove(client: APIClient) -> bool:
            try:
                client.remove_container(container_id, v=volumes, force=True)
            except APIError as error:
                # 409: somebody else's removal of it is under way.
                if error.status_code not in {404, 409}:
                    raise
                return error.status_code == 404
            return True

        is_gone = await self._changes.call(doing, remove)
        if not is_gone and not await self._ends_within(_DEATH_S, container_id, removed=True):
            raise EngineTimeout(f"{doing}: its removal by somebody else does not end")

    async def _ours(self, verb: str, container_id: str) -> Shown | None:
        """The container, if it is ours; None when it is gone."""
        shown = await inspection(self._reads, container_id)
        if shown is not None and label.slot_key(labels_of(shown)) is None:
            raise ContainerRejected(f"{verb} {name_of(shown)}: it is not ours")
        return shown

    async def _signal(self, shown: Shown, signal: str) -> None:
        def send(client: APIClient) -> None:
            try:
                client.kill(shown["Id"], signal)
            except APIError as error:
                # 404, 409: it is gone, or has ended, since we looked.
                if error.status_code not in {404, 409}:
                    raise

        doing = f"send {signal} to {name_of(shown)}"
        await self._changes.call(doing, send)

    async def _join(
        self, name: str, container_id: str, labels: dict[str, str], joined: frozenset[str]
    ) -> None:
        """Connect the container to the networks that its creation could not."""
        for attachment in label.missing_networks(labels, joined):
            await self._connect(name, container_id, attachment)

    async def _connect(self, name: str, container_id: str, to: NetworkAttachment) -> None:
        def connect(client: APIClient) -> None:
            try:
                client.connect_container_to_network(
                    container_id,
                    to.name,
                    aliases=list(to.aliases),
                    links=[(of, alias) for of, _, alias in (x.partition(":") for x in to.links)],
                    ipv4_address=to.ipv4_address or None,
                    ipv6_address=to.ipv6_address or None,
                    link_local_ips=list(to.link_local_ips) or None,
                )
            except APIError as error:
                if error.status_code != 403 or "already exists" not in str(error.explanation):
                    raise

        await self._changes.call(f"connect {name} to {to.name}", connect)

    async def _ends_within(
        self, wait_s: float, container_id: str, *, removed: bool = False
    ) -> bool:
        """Look until it runs no more (or is gone). Between looks no worker is taken."""
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + wait_s, _LOOK_S_FIRST
        while True:
            shown = await inspection(self._reads, container_id)
            if shown is None or not (removed or shown["State"]["Running"]):
                return True
            left_s = until - loop.time()
            if left_s <= 0:
                return False
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * _LOOK_GROWTH, _LOOK_S_MAX)


def _adopted(name: str, held: Shown | None, wanted: ContainerLabels) -> str:
    """The id of the container that holds the name, if it is the one we would have made.

    It is when an earlier pass was interrupted right after creating it.
    """
    if held is None:
        raise EngineFailed(f"create {name}: the name was taken, and is free again")
    labels = labels_of(held)
    key = label.slot_key(labels)
    if key is None:
        raise ContainerRejected(f"create {name}: a container that is not ours has this name")
    is_same = (
        key == wanted.key
        and labels.get(label.FINGERPRINT) == wanted.fingerprint
        and labels.get(label.REFRESH) == str(wanted.refresh)
        and labels.get(label.MOUNTS, "") == label.mounts_text(wanted)
    )
    if not is_same or held["State"]["Status"] in {"removing", "dead"}:
        # The next observation shows it, and the next plan removes it first.
        raise EngineFailed(f"create {name}: an older container of ours still has this name")
    return str(held["Id"])
