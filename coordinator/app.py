"""`run`: builds the parts and keeps them running. The only module that knows everybody.

Faces answer queries from the start. Commands are taken while the lease is held: reading what is
kept comes first, then the control loop, then the NATS face. A part that dies takes the process with
it, and systemd starts a new one.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from coordinator.bus.buckets import KvBucket
from coordinator.bus.lease import Lease
from coordinator.bus.node_requests import NatsNodeRequests
from coordinator.bus.publisher import Publisher
from coordinator.bus.stores import Stores
from coordinator.clock import CLOCK, PACE, Clock, Pace
from coordinator.commands.deciding import Deciding
from coordinator.commands.deliveries import Deliveries
from coordinator.commands.dry_runs import DryRuns
from coordinator.commands.intake import Intake
from coordinator.commands.signalling import Signalling
from coordinator.commands.waiting import Waiting
from coordinator.control.loop import ControlLoop
from coordinator.control.loss_watch import LossWatch
from coordinator.faces.admission import Admission
from coordinator.faces.http.application import build_app
from coordinator.faces.http.guards import LOOPBACK_HOSTS
from coordinator.faces.http.serving import serve
from coordinator.faces.nats import NatsFace
from coordinator.metrics import Metrics
from coordinator.nodes.collector import Collector
from coordinator.nodes.steadiness import Steadiness
from coordinator.settings import Settings
from coordinator.store.store import Buckets, Store
from coordinator.views.known import KnownNow
from coordinator.views.projects import ProjectViews
from coordinator.views.queries import Queries
from daemon.garbage import Garbage
from daemon.lifetime import eternal, until_told
from daemon.nats_link import NatsLink
from daemon.stalls import Stalls
from daemon.systemd import feed_watchdog, notify
from schemas import subjects
from schemas.command import AnyCommand, verb_of
from schemas.errors import Transient
from schemas.reply import Reply

log = structlog.get_logger()

STANDBY = "Unable to reach primary cluster manager: this coordinator is a standby"
LINK_LOST = "Unable to reach primary cluster manager: NATS does not answer"


class Coordinator:
    """One coordinator process's parts."""

    def __init__(self, settings: Settings, clock: Clock = CLOCK, pace: Pace = PACE) -> None:
        self._settings = settings
        self._pace = pace
        self._garbage = Garbage(clock.monotonic)
        self._link = self._linked("")
        # Of its own: however much nodes have to say, the lease and commands get through.
        self._ingest = self._linked(" ingest")
        self._stores = Stores(self._link, settings.replicas, lambda: self._watch.remembers)
        self._steadiness = Steadiness(lambda: self._ingest.settled_since, clock)
        self._metrics = Metrics()
        self._stalls = Stalls(self._metrics, clock.monotonic)
        self._admission = Admission(self._stalls.lag_s, self._metrics)
        leases = KvBucket(self._link, subjects.LEASE_BUCKET)
        self._lease = Lease(
            *(leases, settings.name, self._stores.lease_ttl_s, settings.accept_loss), clock=clock
        )
        self._publisher = Publisher(self._link, settings.name, lambda: self._lease.epoch, clock)
        store = self._store = Store(
            Buckets(
                projects=self._bucket(subjects.PROJECTS_BUCKET),
                volumes=self._bucket(subjects.VOLUMES_BUCKET),
                nodes=self._bucket(subjects.NODES_BUCKET),
                desired=self._bucket(subjects.DESIRED_BUCKET),
                revisions=self._bucket(subjects.REVISIONS_BUCKET),
                routes=self._bucket(subjects.ROUTES_BUCKET),
            )
        )
        views = self._views = ProjectViews(store)
        self._watch = LossWatch(store, leases, self._publisher, settings.accept_loss)
        self._loop = ControlLoop(
            *(store, views, self._publisher, self._metrics, self._watch),
            routers=KvBucket(self._link, subjects.ROUTERS_BUCKET),
            default_domain=settings.default_domain,
            clock=clock,
            pace=pace,
        )
        deciding = Deciding(
            *(store, views, self._loop.writer, self._loop.reread_and_wake),
            default_domain=settings.default_domain,
            mount_base=settings.mount_base,
            clock=clock,
        )
        requests = NatsNodeRequests(self._link, lambda: self._lease.epoch, clock)
        known = KnownNow(store, views, clock)
        self._intake = Intake(
            store,
            Queries(
                *(views.all, known.nodes, known.volumes, store.revisions.get, known.routing),
                default_domain=settings.default_domain,
                mount_base=settings.mount_base,
            ),
            deciding,
            Deliveries(Signalling(views, requests, clock, pace), deciding, self._journal),
            Waiting(store, views, self._loop.is_routed, clock=clock),
            dry_runs=DryRuns(store, deciding),
            journal=self._journal,
        )
        statuses = KvBucket(self._ingest, subjects.STATUS_BUCKET)
        self._collector = Collector(store, statuses, clock, pace)

    def _linked(self, part: str) -> NatsLink:
        settings = self._settings
        return NatsLink(
            settings.nats_url,
            name=f"troopers-coordinator {settings.name}{part}",
            inbox=f"_INBOX.coordinator-{settings.name}",
            ca=settings.nats_ca,
            # Of coordinators there are few, and a thousand agents come back behind them.
            spread_s=0.1,
            pause_s_max=0.25,
        )

    def _bucket(self, name: str) -> KvBucket:
        """One that only the active coordinator writes."""
        return KvBucket(self._link, name, self._lease.fence)

    async def run(self) -> None:
        """Until cancelled. Raises what ended the part that died first."""
        self._collector.subscribe(self._ingest)
        async with self._http_face(), asyncio.TaskGroup() as outer:
            # Before NATS is there: queries are answered already, and systemd need not wait for it.
            eternal(outer, "watchdog", feed_watchdog())
            eternal(outer, "stalls", self._stalls.keep())
            # The links outlive the others, which have something to say when they end.
            eternal(outer, "garbage", self._garbage.keep())
            eternal(outer, "NATS link", self._link.run())
            eternal(outer, "NATS link of nodes", self._ingest.run())
            notify("READY=1")
            async with asyncio.TaskGroup() as tasks:
                eternal(tasks, "stores", self._stores.keep(self._read_again))
                eternal(tasks, "publisher", self._publisher.run())
                eternal(tasks, "collector", self._collector.run())
                eternal(tasks, "statuses", self._read_statuses())
                eternal(tasks, "standby reader", self._follow())
                eternal(tasks, "steadiness", self._steadiness.keep())
                eternal(tasks, "lease", self._lease.run(self._be_active))

    def _read_again(self) -> None:
        """The link stands, and what was said before it did was not heard."""
        self._loop.bus_is_back()
        self._lease.hurry()

    async def _read_statuses(self) -> None:
        """For ever: on each connection to nodes, what they have said before it stood."""
        async for _ in self._ingest.clients():
            self._collector.reread_soon()

    async def _be_active(self, epoch: int) -> None:
        """Everything that only the holder of the lease may do."""
        face = NatsFace(self._link, self._intake, self._admission)
        try:
            # What another coordinator wrote until a moment ago counts, not what we remember.
            await self._until_it_works(self._read_everything)
            self._garbage.settle()
            async with self._intake.open(), asyncio.TaskGroup() as tasks:
                loop = self._loop.run(epoch, self._steadiness.since)
                eternal(tasks, "control loop", loop)
                eternal(tasks, "NATS face", face.run())
        finally:
            self._intake.close(STANDBY if self._link.is_connected else LINK_LOST)
            self._watch.stand_by()
            with contextlib.suppress(Exception):
                await face.stop()

    async def _read_everything(self) -> None:
        await self._loop.read()
        await self._collector.reread()
        self._loop.doubts.follow()
        await self._make_views()

    async def _until_it_works(self, read: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await read()
            except Transient as error:
                log.warning("what is kept can't be read yet", error=str(error))
                await asyncio.sleep(self._pace.retry_s)
            else:
                return

    async def _follow(self) -> None:
        """As a standby, keep the store fresh enough to answer queries."""
        while True:
            if not self._lease.epoch:
                with contextlib.suppress(Transient):
                    await self._loop.read()
                    await self._show()
            await asyncio.sleep(self._pace.standby_read_s)

    async def _show(self) -> None:
        """Show what was read, unless the lease was won meanwhile: then the control loop does."""
        if self._lease.epoch:
            return
        self._loop.shown.follow()
        self._loop.health.judge(self._steadiness.since())
        await self._make_views()

    async def _make_views(self) -> None:
        """Every view, in slices: a list shows what there is a view of."""
        while self._views.has_work:
            self._views.refresh(limit=self._pace.slice)
            await asyncio.sleep(0)

    @contextlib.asynccontextmanager
    async def _http_face(self) -> AsyncIterator[None]:
        host, port = self._settings.address
        is_loopback = host in {"127.0.0.1", "::1", "localhost"}
        named = {name for name in self._settings.allowed_hosts.split(",") if name}
        app = build_app(
            self._intake,
            meter=self._metrics,
            exposition=self._expose,
            admission=self._admission,
            hosts={*LOOPBACK_HOSTS, *named} if is_loopback or named else None,
        )
        runner, bound = await serve(app, host, port)
        log.info("HTTP face", host=host, port=bound)
        try:
            yield
        finally:
            await runner.cleanup()

    def _journal(self, command: AnyCommand, reply: Reply) -> None:
        self._publisher.record(command, reply)
        outcome = reply.reason.code.value if reply.outcome == "rejected" and reply.reason else ""
        self._metrics.count_command(*verb_of(command), outcome or "accepted")

    def _expose(self) -> tuple[bytes, str]:
        store, views = self._store, self._views.all()
        self._metrics.set_nodes(node.state for node in store.known.values())
        self._metrics.set_services(
            service.current_state for view in views.values() for service in view.services.values()
        )
        self._metrics.set_releases(
            view.record.release.state for view in views.values() if view.record.release
        )
        self._metrics.set_active(bool(self._lease.epoch))
        self._metrics.set_held_back(
            halted=bool(store.halted_because), frozen=bool(store.frozen_because)
        )
        self._metrics.set_longest_stall(self._stalls.longest_s)
        self._metrics.set_doubted(projects=len(store.doubts), volumes=len(store.volume_doubts))
        return self._metrics.exposition()


async def run(settings: Settings) -> None:
    """Run a coordinator until told to stop."""
    await until_told(Coordinator(settings).run())
    log.info("the coordinator has stopped")
