"""The composition root: builds the parts and keeps them running. The only module that knows all.

One task group holds every task of the agent by name. They are made to last: one that dies or
returns takes the process down, loudly, and systemd starts a new one. Stopping the agent leaves
every container as it is.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from agent.adapters.bus import NatsBus
from agent.adapters.docker_engine import DockerEngine
from agent.adapters.docker_events import DockerEvents
from agent.adapters.ledger import FileLedger
from agent.adapters.mount_keeper import MountKeeper
from agent.adapters.mountd_client import MountdClient
from agent.adapters.no_mountd import NoMountd
from agent.adapters.probes import ContainerProbe
from agent.api import build_app, serve
from agent.domain.status import Identity
from agent.executor import Executor
from agent.follower import follow_events
from agent.log_tails import LogTails
from agent.metrics import Metrics
from agent.observer import Observer
from agent.orders import Orders
from agent.ports import Bus, ContainerEngine, EngineEvents, HealthProbe, Ledger, Mounts
from agent.prober import Prober
from agent.reconciler import PassResult, Reconciler, reconcile_forever, resync_period_s
from agent.reporter import Reporter
from agent.settings import Settings
from agent.signals import VERB, Signals
from agent.wakes import Wake, Wakes
from daemon.lifetime import eternal, until_told
from daemon.systemd import feed_watchdog, notify
from schemas.states import EngineState

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside of the agent: real, or made up by a test or a simulation."""

    engine: ContainerEngine
    events: EngineEvents
    probe: HealthProbe
    bus: Bus
    ledger: Ledger
    mounts: Mounts
    #: the directory that shared volumes are mounted below
    mount_base: str
    clock: Callable[[], float]


class Agent:
    """One node's agent over any world. Its tasks run in `tasks`, from `start` on."""

    def __init__(self, identity: Identity, world: World, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._world = world
        self._wakes = wakes = Wakes()
        self._metrics = Metrics()
        self._resync_s = resync_period_s(identity.node)
        self._mounts = MountKeeper(world.mounts, world.mount_base, lambda: wakes.wake(Wake.MOUNT))
        self.reporter = Reporter(identity, world.bus, world.clock)
        self._reconciler = Reconciler(
            Orders(identity.node, world.bus, world.ledger),
            Observer(world.engine, world.clock),
            Executor(world.engine, tasks, lambda: wakes.wake(Wake.ENDED)),
            Prober(world.probe, tasks, lambda: wakes.wake(Wake.PROBE), world.clock),
            mounts=self._mounts,
            reporter=self.reporter,
            log_tails=LogTails(world.engine, tasks, lambda: wakes.wake(Wake.LOG)),
        )
        world.bus.on_hint(lambda: wakes.wake(Wake.HINT))
        signals = Signals(world.engine, world.clock, lambda: world.ledger.epoch)
        world.bus.on_request(VERB, signals.answer)

    def start(self) -> None:
        """Begin everything that goes on for ever."""
        self.keep("statuses", self.reporter.send_statuses())
        self.keep("events", self.reporter.send_events())
        self.keep("heartbeats", self.reporter.send_heartbeats())
        self.keep("mounts", self._mounts.keep())
        self.keep("engine events", follow_events(self._world.events, self._wakes))
        self.keep(
            "passes",
            reconcile_forever(self._reconciler, self._wakes, self._resync_s, self._count_pass),
        )

    def keep(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a task that must not end."""
        eternal(self._tasks, name, work)

    def why_not_ready(self) -> list[str]:
        """In words; empty when the node can take orders and carry them out."""
        newest = self.reporter.newest
        reasons = [] if self._world.bus.is_connected else ["NATS is not connected"]
        if newest is None:
            reasons.append("the first pass has not ended")
        elif newest.engine.state is not EngineState.READY:
            reasons.append(f"the engine is {newest.engine.state}: {newest.engine.reason}")
        if fault := self._world.ledger.fault:
            reasons.append(f"orders can't be kept on disk: {fault}")
        if newest is not None and newest.refusal:
            reasons.append(f"the newest orders are refused: {newest.refusal}")
        return reasons

    def render_metrics(self) -> bytes:
        return self._metrics.render(
            self.reporter.newest,
            is_connected=self._world.bus.is_connected,
            is_saved=not self._world.ledger.fault,
            dropped=self.reporter.events_dropped,
            hanging=self._mounts.hanging,
        )

    def _count_pass(self, took_s: float, result: PassResult) -> None:
        self._metrics.count_pass(took_s, result.outcomes)


async def run(settings: Settings) -> None:
    """Be the agent of this node until told to stop."""
    await until_told(_live(settings))
    log.info("the agent stops; containers are left as they are", node=settings.node)


async def _live(settings: Settings) -> None:
    identity = Identity(
        node=settings.node,
        # Of this agent process: what it numbers starts again with it.
        boot_id=uuid.uuid4().hex,
        agent_version=version("troopers"),
        address=settings.address,
        zone=settings.zone,
        labels=settings.label_pairs,
    )
    engine = DockerEngine(settings.engine_url, mount_base=settings.mount_base)
    bus = NatsBus(settings.nats_url, settings.node, ca=settings.nats_ca)
    async with contextlib.AsyncExitStack() as closing:
        closing.callback(engine.close)
        world = World(
            engine=engine,
            events=DockerEvents(settings.engine_url),
            probe=await closing.enter_async_context(ContainerProbe(engine)),
            bus=bus,
            ledger=FileLedger(settings.state_dir),
            mounts=_mounts(settings),
            mount_base=settings.mount_base,
            clock=time.time,
        )
        # Entered last, so its tasks have ended before anything of theirs is closed.
        tasks = asyncio.TaskGroup()
        agent = Agent(identity, world, tasks)
        app = build_app(agent.render_metrics, agent.why_not_ready)
        runner = await serve(app, *settings.listen_address)
        closing.push_async_callback(runner.cleanup)
        async with tasks:
            agent.keep("bus", bus.run())
            agent.keep("watchdog", feed_watchdog())
            agent.start()
            notify("READY=1")
            log.info("the agent runs", node=identity.node, boot_id=identity.boot_id)


def _mounts(settings: Settings) -> Mounts:
    if not settings.mountd_socket:
        return NoMountd(settings.mount_base)
    return MountdClient(Path(settings.mountd_socket))
