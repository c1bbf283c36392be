"""What agents cost their nodes: processor time per container that one starts, and per idle pass.

Run: `python -m bench.agent [AGENTS]`. Prints medians of three rounds and judges nothing.

Real agents over engines and a bus in memory. Each is given four documents, every next one as soon
as the one before is carried out, until its node runs 20 containers, each of another project with a
network of its own. Times are of the processor, and include what the fakes take, which is little.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import uvloop

from agent.adapters.no_mountd import NoMountd
from agent.app import Agent, World
from agent.domain.status import Identity
from bench.fleet_nodes import IMAGE, node_name
from daemon.logs import configure
from schemas.codec import encode
from schemas.current import NodeCurrent
from schemas.desired import DesiredNetwork, DesiredSlot, NodeDesired
from schemas.fingerprint import spec_key
from schemas.names import network_name
from schemas.service import NetworkAttachment, ServiceSpec
from schemas.states import Health, Wanted
from schemas.volume import BASE_DIRECTORY
from tests.fakes.bus import FakeBus
from tests.fakes.engine import FakeEngine
from tests.fakes.ledger import FakeLedger
from tests.fakes.probe import FakeProbe

#: How many containers the documents order: a coordinator that places many projects at once writes
#: a node's document a few times.
STEPS = (5, 10, 15, 20)
ROUNDS = 3
IDLE_LOOKS = 20
#: Longer than wakes are gathered, so that each event gets a pass of its own.
_IDLE_S = 0.15
_LOOK_S = 0.02
_PASSES = "troopers_agent_pass_duration_seconds_count "


class EncodingBus(FakeBus):
    """A bus of bytes, as a real one is. It keeps no status but the newest."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses_put = 0

    async def put_status(self, current: NodeCurrent) -> None:
        encode(current)
        self.statuses_put += 1
        self.statuses[:] = [current]


class Node:
    """An agent and its world."""

    def __init__(self, name: str, tasks: asyncio.TaskGroup) -> None:
        self.bus = EncodingBus()
        self._engine = FakeEngine(images=(IMAGE,))
        world = World(
            engine=self._engine,
            events=self._engine,
            probe=FakeProbe(),
            bus=self.bus,
            ledger=FakeLedger(),
            mounts=NoMountd(BASE_DIRECTORY),
            mount_base=BASE_DIRECTORY,
            clock=time.time,
        )
        self._agent = Agent(Identity(name, f"boot-{name}", "0", "127.0.0.1"), world, tasks)
        self._agent.start()
        self._documents = [
            encode(_document(name, generation, count))
            for generation, count in enumerate(STEPS, start=1)
        ]

    @property
    def passes(self) -> int:
        lines = self._agent.render_metrics().decode().splitlines()
        (count,) = (line.removeprefix(_PASSES) for line in lines if line.startswith(_PASSES))
        return int(float(count))

    async def grow(self) -> None:
        """Give all documents, each when nothing is left to do for the one before."""
        for generation, document in enumerate(self._documents, start=1):
            self.bus.put_raw(document)
            await _until(partial(self._has_settled, generation))

    def stir(self) -> None:
        """Let the engine tell of a change that is none."""
        self._engine.show_health(next(iter(self._engine.boxes)), Health.NONE)

    def _has_settled(self, generation: int) -> bool:
        newest = self.bus.statuses[-1] if self.bus.statuses else None
        return newest is not None and newest.settled and newest.generation == generation


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one round, per node or container or pass."""

    ms_per_container: float
    passes_per_node: float
    statuses_per_node: float
    ms_per_idle_pass: float


async def measure(agents: int) -> Cost:
    """Let nodes grow side by side, and then look in vain."""
    async with asyncio.TaskGroup() as tasks:
        nodes = [Node(node_name(number + 1), tasks) for number in range(agents)]
        cost = await _measure(nodes)
        # An agent's tasks don't end by themselves.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
    return cost


async def _measure(nodes: list[Node]) -> Cost:
    began = time.process_time()
    await asyncio.gather(*(node.grow() for node in nodes))
    growing_s = time.process_time() - began
    passes = sum(node.passes for node in nodes)
    statuses = sum(node.bus.statuses_put for node in nodes)
    began = time.process_time()
    for _ in range(IDLE_LOOKS):
        for node in nodes:
            node.stir()
        await asyncio.sleep(_IDLE_S)
    idling_s = time.process_time() - began
    idle_passes = sum(node.passes for node in nodes) - passes
    return Cost(
        ms_per_container=growing_s * 1000 / (len(nodes) * STEPS[-1]),
        passes_per_node=passes / len(nodes),
        statuses_per_node=statuses / len(nodes),
        ms_per_idle_pass=idling_s * 1000 / idle_passes,
    )


async def _until(condition: Callable[[], bool]) -> None:
    # Nobody tells when a status has come, and looking costs next to nothing.
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_S)


def _document(node: str, generation: int, count: int) -> NodeDesired:
    projects = [f"{node}-{number:02}" for number in range(count)]
    specs = {project: _spec(project) for project in projects}
    return NodeDesired(
        node=node,
        epoch=1,
        generation=generation,
        specs={spec_key(spec): spec for spec in specs.values()},
        slots=tuple(
            DesiredSlot(
                project=project, service="web", slot=1, wanted=Wanted.RUNNING, spec=spec_key(spec)
            )
            for project, spec in specs.items()
        ),
        networks=tuple(
            DesiredNetwork(project=project, name=network_name(project, "default"))
            for project in projects
        ),
    )


def _spec(project: str) -> ServiceSpec:
    return ServiceSpec(
        image=IMAGE,
        command=("serve",),
        networks=(NetworkAttachment(name=network_name(project, "default"), aliases=("web",)),),
    )


def main(agents: int) -> None:
    """Measure and print."""
    configure("error")
    # An agent alone searches all of its process for garbage once in a long while. Here many make
    # garbage in one process, so the part of it that is the same for all is left out.
    gc.freeze()
    costs = [uvloop.run(measure(agents)) for _ in range(ROUNDS)]

    def middle(figure: Callable[[Cost], float]) -> float:
        return median(figure(cost) for cost in costs)

    print(f"{agents} agents, each from 0 to {STEPS[-1]} containers in {len(STEPS)} documents")
    print(f"processor time per container: {middle(lambda cost: cost.ms_per_container):.2f} ms")
    print(f"passes per node: {middle(lambda cost: cost.passes_per_node):.1f}")
    print(f"statuses per node: {middle(lambda cost: cost.statuses_per_node):.1f}")
    print(f"processor time per idle pass: {middle(lambda cost: cost.ms_per_idle_pass):.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
