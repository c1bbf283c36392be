"""Several machines on one: a network namespace with a Docker Engine of its own for each.

Starting engines is the slow part, so they are apart from the Cluster that runs on them: tests keep
Machines for a session and make a Cluster for each test.

Writes: /run/troopers/trpN/, which is both the engines' runtime directory and the register of who
uses network number N. A test run that was killed leaves its entry; the next start sweeps it.
"""

import atexit
import json
import os
import random
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cli.cluster import Cluster, ClusterSettings
from cli.dockerd import RUNTIME_ROOT, Dockerd, remove_if_empty
from cli.engine import Engine
from cli.errors import CommandFailed, RequirementMissing
from cli.identity import ProcessIdentity
from cli.mounts import remove_tree
from cli.netns import LabNetwork, Namespace
from cli.processes import stop_recorded

_REGISTER = "register.json"
#: How the homes of the clusters on these machines begin.
_CLUSTER = "cluster"
#: Third part of 10.213.N.0/24.
_NUMBERS = range(255)


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine: what an agent needs to know about the place it runs in."""

    name: str
    address: str
    dockerd: Dockerd
    namespace: Namespace

    @property
    def engine(self) -> Engine:
        return self.dockerd.engine

    @property
    def enter(self) -> tuple[str, ...]:
        return self.namespace.enter

    def cut(self) -> None:
        """Unplug the network cable."""
        self.namespace.cut()

    def heal(self) -> None:
        self.namespace.heal()


@dataclass(frozen=True, slots=True)
class Registration:
    """Who uses a network number, and for what."""

    number: int
    count: int
    home: str
    live_restore: bool
    #: Kept when the process that made it ends: a lab for people, not a test's.
    is_kept: bool
    owner: dict[str, Any]

    @property
    def is_abandoned(self) -> bool:
        if self.is_kept:
            return not Path(self.home).exists()
        return not ProcessIdentity(**self.owner).is_alive


class Machines:
    """`count` machines named n1, n2, … on a network of their own."""

    def __init__(self, registration: Registration) -> None:
        self.registration = registration
        self.home = Path(registration.home)
        self.network = LabNetwork(registration.number)
        self._all = [self._machine(index + 1) for index in range(registration.count)]

    @classmethod
    def create(
        cls,
        home: Path,
        count: int,
        *,
        live_restore: bool = False,
        is_kept: bool = False,
        number: int | None = None,
    ) -> Self:
        """Claim a network and start the engines, all at once.

        Without `is_kept` they end with this process at the latest. `number` insists on one network.
        Raises RequirementMissing, CommandFailed or StartFailed, with nothing left behind.
        """
        if os.geteuid() != 0:
            raise RequirementMissing("machines in network namespaces need root")
        sweep_abandoned()
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        machines = cls(_claim(home.resolve(), count, live_restore, is_kept, number))
        if not is_kept:
            atexit.register(machines.destroy)
        try:
            machines.start()
        except BaseException:
            machines.destroy()
            raise
        return machines

    @classmethod
    def recorded(cls, home: Path) -> Self | None:
        """The machines that an earlier process made with this home, if any."""
        for registration in registrations():
            if registration.home == str(home.resolve()):
                return cls(registration)
        return None

    def __getitem__(self, index: int) -> Machine:
        return self._all[index]

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._all)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.destroy()

    def start(self) -> None:
        self.network.create()
        for machine in self._all:
            machine.namespace.create()
        self.start_engines()

    @property
    def are_alive(self) -> bool:
        """Whether every engine runs."""
        return all(machine.dockerd.is_alive for machine in self._all)

    def start_engines(self) -> None:
        """Start those that don't run, and wait until they answer."""
        self._on_each(lambda machine: machine.dockerd.start())

    def cluster(self, **settings: Any) -> Cluster[Machine]:
        """A new cluster on these machines, not started; keywords are ClusterSettings' fields."""
        free = ClusterSettings.on_free_ports(bus_host=self.network.address)
        home = self.home / f"{_CLUSTER}-{secrets.token_hex(3)}"
        return Cluster(home, list(self._all), replace(free, **settings))

    def build_image(self, tag: str, context: Mapping[str, bytes]) -> None:
        """Build one image on every engine."""
        self._on_each(lambda machine: machine.engine.build_image(tag, context))

    def import_image(self, tag: str, root: bytes) -> None:
        """Import one image from a tar of its root on every engine."""
        self._on_each(lambda machine: machine.engine.import_image(tag, root))

    def wipe(self) -> None:
        """Remove all that Troopers made on the engines, plug cables in, start dead engines.

        For between two tests, when no agent runs.
        """
        for machine in self._all:
            machine.heal()
        self._on_each(_make_clean)

    def destroy(self) -> None:
        """End engines and every process recorded in our home; remove all traces. Repeatable."""
        atexit.unregister(self.destroy)
        # The engines' own records are below home as well, but they end in their own order.
        for part in self.home.glob(f"{_CLUSTER}*"):
            cluster = Cluster.recorded(part, self._all)
            if cluster is not None:
                cluster.destroy()
            stop_recorded(part)
        self._on_each(lambda machine: machine.dockerd.destroy())
        self.network.remove()
        remove_tree(self.home)
        shutil.rmtree(RUNTIME_ROOT / self.network.bridge, ignore_errors=True)
        remove_if_empty(RUNTIME_ROOT)

    def _machine(self, index: int) -> Machine:
        name = f"n{index}"
        namespace = self.network.namespace(index)
        dockerd = Dockerd(
            f"{self.network.bridge}/{name}",
            self.home / name,
            enter=namespace.enter,
            live_restore=self.registration.live_restore,
        )
        return Machine(name, namespace.address, dockerd, namespace)

    def _on_each(self, act: Callable[[Machine], None]) -> None:
        with ThreadPoolExecutor(max_workers=len(self._all)) as pool:
            list(pool.map(act, self._all))


def _make_clean(machine: Machine) -> None:
    if machine.dockerd.is_alive:
        machine.dockerd.resume()
    machine.dockerd.start()
    try:
        machine.engine.wipe()
    except CommandFailed:
        # An agent that is killed at the wrong moment makes engine 20.10 count an endpoint for ever;
        # it counts anew when it starts.
        machine.dockerd.restart()
        machine.engine.wipe()


def registrations() -> list[Registration]:
    """Every network in use. A torn entry, of a claim that a crash cut short, is left out."""
    found = []
    for path in sorted(RUNTIME_ROOT.glob(f"trp*/{_REGISTER}")):
        try:
            found.append(Registration(**json.loads(path.read_text())))
        except (FileNotFoundError, ValueError, TypeError):
            continue
    return found


def sweep_abandoned() -> None:
    """Remove the machines of test runs that were killed before they could clean up."""
    for registration in registrations():
        if registration.is_abandoned:
            Machines(registration).destroy()


def _claim(
    home: Path, count: int, live_restore: bool, is_kept: bool, number: int | None
) -> Registration:
    """Take a network number by making its directory, which only one process can."""
    # People get the first number; tests a random one, so that parallel runs seldom meet.
    numbers = _NUMBERS if is_kept else random.sample(_NUMBERS[1:], len(_NUMBERS) - 1)
    owner = ProcessIdentity.of(os.getpid())
    if owner is None:
        raise CommandFailed("/proc does not show this process")
    for candidate in numbers if number is None else [number]:
        network = LabNetwork(candidate)
        directory = RUNTIME_ROOT / network.bridge
        if directory.exists() or not network.is_free():
            continue
        directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            continue
        registration = Registration(
            candidate, count, str(home), live_restore, is_kept, asdict(owner)
        )
        (directory / _REGISTER).write_text(json.dumps(asdict(registration)))
        return registration
    what = "no network 10.213.N.0/24" if number is None else f"network 10.213.{number}.0/24 is not"
    raise CommandFailed(f"{what} free on this machine; see `ip link` and /run/troopers")
