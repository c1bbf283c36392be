"""The same questions to a fake and a real engine: what the contract suite needs from either."""

import asyncio
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import docker

from agent.adapters.docker_engine import DockerEngine
from agent.adapters.docker_events import DockerEvents
from agent.ports import ContainerEngine, ContainerLabels, EngineEvents
from cli.machines import Machine
from schemas.desired import DesiredNetwork
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey, container_name
from schemas.service import ServiceSpec
from tests.fakes.engine import FakeEngine
from tests.fakes.script import Behaviour
from tests.registry import Registry

#: As PID 1, a program that sets no trap ignores every signal that it may.
_OBEDIENT = ("sh", "-c", "trap 'exit 143' TERM; touch /obeys; sleep 1000 & wait")
_STUBBORN = ("sleep", "1000")
_EXITING = ("sh", "-c", "for n in $(seq 30); do echo line $n; done; exit 3")

#: Ends at once when it is asked to.
OBEDIENT = ServiceSpec(image="box:1", command=_OBEDIENT)
#: Ignores TERM.
STUBBORN = ServiceSpec(image="stubborn:1", command=_STUBBORN)
_PRINTED = "".join(f"line {n}\n" for n in range(1, 31))
#: Prints thirty lines and ends with code 3 as soon as it is started.
EXITING = ServiceSpec(image="exits:1", command=_EXITING)

#: somebody else's
_FOREIGN = "monitoring"

NETWORK = DesiredNetwork(project="shop", name="shop_default")


class Trial(Protocol):
    """An engine, and hands behind its back."""

    engine: ContainerEngine
    events: EngineEvents

    async def hold_name(self, name: str) -> None:
        """A container that isn't ours gets this name."""

    async def hold_port(self, port: int) -> None:
        """Somebody else gets this port of the node."""

    async def join(self, container_id: str) -> str:
        """Somebody takes the container into a network that isn't ours; returns its name."""

    async def die(self, container_id: str) -> None:
        """The container ends by SIGKILL."""

    async def vanish(self, container_id: str) -> None:
        """The container is removed by force."""

    async def mount(self, path: str) -> None:
        """A shared volume is mounted at this path below the base."""

    async def unmount(self, path: str) -> None:
        """It is unmounted, and so is the place where it was."""

    async def serve_images(self) -> None:
        """From now on there is a registry, without an image, at 127.0.0.1:`registry.PORT`."""


class FakeTrial:
    """The fake, set up so that its images do what the real commands do."""

    def __init__(self) -> None:
        self._fake = FakeEngine(images=["box:1", "stubborn:1", "exits:1"])
        self._mounted = self._fake.mounted = set()
        self._fake.is_registry_away = True
        self._fake.behave("stubborn:1", Behaviour(stops_after_s=None))
        self._fake.behave("exits:1", Behaviour(exits_with=3, prints=_PRINTED))
        self._fake.probe_exit_codes["exit 3"] = 3
        self.engine: ContainerEngine = self._fake
        self.events: EngineEvents = self._fake

    async def hold_name(self, name: str) -> None:
        self._fake.foreign_names.add(name)

    async def hold_port(self, port: int) -> None:
        self._fake.foreign_ports.add(port)

    async def join(self, container_id: str) -> str:
        seen = self._fake.boxes[container_id]
        self._fake.boxes[container_id] = replace(seen, networks=seen.networks | {_FOREIGN})
        return _FOREIGN

    async def die(self, container_id: str) -> None:
        self._fake.die(container_id)

    async def vanish(self, container_id: str) -> None:
        self._fake.vanish(container_id)

    async def mount(self, path: str) -> None:
        self._mounted.add(path)

    async def unmount(self, path: str) -> None:
        self._mounted.remove(path)

    async def serve_images(self) -> None:
        self._fake.is_registry_away = False


class RealTrial:
    """A dockerd, and docker-py used without any of our code."""

    def __init__(self, machine: Machine, directory: Path) -> None:
        self.url = url = machine.engine.url
        #: what mountd would have mounted is below this
        self.shares = directory / "shares"
        self.shares.mkdir()
        self.adapter = DockerEngine(url, mount_base=str(self.shares))
        self.engine: ContainerEngine = self.adapter
        self.events: EngineEvents = DockerEvents(url)
        self.hand = docker.DockerClient(base_url=url, timeout=30)
        self._foreign: list[str] = []
        #: networks, and who was taken into them
        self._joined: list[tuple[str, str]] = []
        self._registry = Registry("registry", directory / "store", machine.enter)

    async def hold_name(self, name: str) -> None:
        await asyncio.to_thread(self._run_foreign, name, {})

    async def hold_port(self, port: int) -> None:
        await asyncio.to_thread(self._run_foreign, "somebody", {"80/tcp": port})

    async def join(self, container_id: str) -> str:
        def join() -> None:
            network = self.hand.networks.create(_FOREIGN)
            self._joined.append((str(network.id), container_id))
            network.connect(container_id)

        await asyncio.to_thread(join)
        return _FOREIGN

    async def die(self, container_id: str) -> None:
        await asyncio.to_thread(self.hand.api.kill, container_id)

    async def vanish(self, container_id: str) -> None:
        await asyncio.to_thread(lambda: self.hand.api.remove_container(container_id, force=True))

    async def mount(self, path: str) -> None:
        place = self.shares / path
        place.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(_call, "mount", "-t", "tmpfs", "share", str(place))

    async def unmount(self, path: str) -> None:
        place = self.shares / path
        # As a volume that is in use is unmounted: whoever has it keeps it.
        await asyncio.to_thread(_call, "umount", "--lazy", str(place))
        place.rmdir()

    async def serve_images(self) -> None:
        await asyncio.to_thread(self._registry.start)

    def close(self) -> None:
        self._registry.stop()
        for name in self._foreign:
            self.hand.api.remove_container(name, force=True)
        for network_id, container_id in self._joined:
            self.hand.api.disconnect_container_from_network(container_id, network_id, force=True)
            self.hand.api.remove_network(network_id)
        for place in self.shares.glob("*/*"):
            if place.is_mount():
                _call("umount", "--lazy", str(place))
            place.rmdir()
        for place in self.shares.iterdir():
            place.rmdir()
        self.shares.rmdir()
        self.hand.close()
        self.adapter.close()

    def _run_foreign(self, name: str, ports: dict[str, int]) -> None:
        self._foreign.append(name)
        self.hand.containers.run(
            "box:1", ["sleep", "1000"], name=name, ports=dict(ports), detach=True
        )


def _call(*command: str) -> None:
    subprocess.run(command, check=True)


async def create(
    engine: ContainerEngine,
    spec: ServiceSpec,
    *,
    slot: int = 1,
    refresh: int = 0,
    mounts: tuple[tuple[str, str], ...] = (),
) -> str:
    """A container of service web in project shop."""
    labels = ContainerLabels(
        key=SlotKey("shop", "web", slot),
        fingerprint=fingerprint(spec),
        version="1.0",
        refresh=refresh,
        epoch=3,
        generation=7,
        mounts=mounts,
    )
    return await engine.create(container_name("shop", "web", slot), spec, labels)


async def run(
    engine: ContainerEngine,
    spec: ServiceSpec,
    *,
    slot: int = 1,
    mounts: tuple[tuple[str, str], ...] = (),
) -> str:
    """As `create`, and start it."""
    container_id = await create(engine, spec, slot=slot, mounts=mounts)
    await engine.start(container_id)
    return container_id


async def until_obedient(engine: ContainerEngine, container_id: str) -> None:
    """A shell needs a moment before it has set its trap."""
    async with asyncio.timeout(5):
        while await engine.run_probe_command(container_id, "test -e /obeys", 5.0):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def eventually(is_so: Callable[[], bool], within_s: float = 5.0) -> None:
    """Look until it is so: engines and servers set no asyncio event."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        if is_so():
            return
        assert loop.time() < until, f"not so within {within_s} s"
        await asyncio.sleep(0.02)
