"""`ControlLoop`: wake, one pass, wait. It decides nothing itself.

A pass: judge nodes -> follow what has changed (schedule, roll up, assign) -> fan out -> bury what
is gone. It costs what has changed, and goes in slices, between which everybody else has a turn.
Wakes: the store has changed, a second has passed. Writes: KV `nodes`, `desired`, `projects`.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable

import structlog

from coordinator.clock import CLOCK, PACE, Allowance, Clock, Pace
from coordinator.commands.record_writer import RecordWriter
from coordinator.control.doubts import Doubts
from coordinator.control.fan_out import FanOut
from coordinator.control.following import Following
from coordinator.control.loss_watch import LossWatch
from coordinator.control.moves import tell_moves
from coordinator.control.releases import Releases
from coordinator.control.routing import Routing
from coordinator.control.shown import ShownDocuments
from coordinator.control.tombstones import Tombstones
from coordinator.errors import BusWentBack, RevisionConflict
from coordinator.nodes.health_watch import HealthWatch
from coordinator.nodes.registrar import Registrar
from coordinator.ports import Bucket, EventSink, PassMeter
from coordinator.store.changes import Change, Kind
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from schemas.desired import NodeDesired
from schemas.errors import Transient
from schemas.records import ProjectRecord
from schemas.subjects import DESIRED_BUCKET, NODES_BUCKET, PROJECTS_BUCKET, VOLUMES_BUCKET

log = structlog.get_logger()

#: since when the link to the bus stands, in monotonic seconds; None while it doesn't
SettledSince = Callable[[], float | None]

#: What the loop itself concludes is no reason for it to look again.
_OWN = frozenset({Kind.PLACEMENT, Kind.APPLIED, Kind.ORDER, Kind.ROUTES, Kind.ROUTER})


class ControlLoop:
    """Turns records and statuses into desired documents."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        events: EventSink,
        meter: PassMeter,
        watch: LossWatch,
        *,
        routers: Bucket,
        default_domain: str = "",
        clock: Clock = CLOCK,
        pace: Pace = PACE,
    ) -> None:
        self._store = store
        self._views = views
        self._watch = watch
        self._events = events
        self._meter = meter
        self._clock = clock
        self._pace = pace
        self._wake = asyncio.Event()
        self._back = asyncio.Event()
        self._reread = False
        self._tombstones = Tombstones(store, events, clock, pace)
        self._routing = Routing(store, views, routers, clock, default_domain=default_domain)
        #: changes the records of projects, in turn with commands
        self.writer: RecordWriter[ProjectRecord] = RecordWriter(
            store.projects, self.reread_and_wake
        )
        self.is_routed = self._routing.is_routed
        self._releases = Releases(
            *(store, views, self.writer, events, clock),
            is_routed=self._routing.is_routed,
            deadline_s=pace.release_s,
        )
        #: seconds until a release's clock is a reason to look again
        self._release_due_s: float | None = None
        self.health = HealthWatch(store, clock)
        self._registrar = Registrar(store, events, clock)
        self._fan_out = FanOut(store, meter)
        self.doubts = Doubts(store)
        self._following: Following | None = None
        #: whether the last pass came to an end
        self._is_through = True
        self._judging = Allowance(clock, pace.share)
        self._retrying = Allowance(clock, pace.share)
        #: in monotonic seconds
        self._judge_at = self._refused_at = self._audit_at = 0.0
        self.shown = ShownDocuments(store)
        store.changes.listen(self._hear)

    def wake(self) -> None:
        self._wake.set()

    def reread_and_wake(self) -> None:
        """What is remembered may be old: read it again before the next pass."""
        self._reread = True
        self._wake.set()

    def bus_is_back(self) -> None:
        """Read again, and that now: what failed because of the bus has no reason to fail again."""
        self.reread_and_wake()
        self._back.set()

    async def read(self) -> None:
        """Read all records and documents. Raises Transient, and keeps what a lost one was then."""
        store = self._store
        # Before the reading begins: who asks for another one meanwhile gets another one.
        self._reread = False
        self._back.clear()
        try:
            newest = await self._watch.look()
            await store.projects.read(newest[PROJECTS_BUCKET])
            await store.volumes.read(newest[VOLUMES_BUCKET])
            await store.nodes.read(newest[NODES_BUCKET])
            await store.documents.read(newest[DESIRED_BUCKET])
            await store.routes.read(0)
            await self._routing.read_routers()
            if store.has_older_records():
                # Another coordinator may have written a record and its documents meanwhile. What is
                # older still after this was lost.
                await store.projects.read(newest[PROJECTS_BUCKET])
                await store.volumes.read(newest[VOLUMES_BUCKET])
            # A command may be decided before the next pass.
            self.doubts.follow()
        except Transient:
            self._reread = True
            raise

    async def run(self, epoch: int, link_settled_since: SettledSince) -> None:
        """For ever: pass after pass, as the active coordinator of this epoch."""
        self._following = None
        while True:
            started = self._clock.monotonic()
            outcome = "failed"
            try:
                if started >= self._audit_at:
                    self._audit_at = started + self._pace.audit_s
                    self._reread = await self._watch.is_overtaken() or self._reread
                if self._reread:
                    await self.read()
                is_sound = await self.do_pass(epoch, link_settled_since())
                outcome = "settled"
                if not is_sound:
                    # What nodes say is no reason to read everything again as often as they say it.
                    await asyncio.sleep(self._pace.retry_s)
            except RevisionConflict as error:
                outcome = "retry"
                log.warning("somebody else has written; reading again", error=str(error))
                self._reread = True
                await asyncio.sleep(self._pace.conflict_pause_s)
                continue
            except BusWentBack:
                # Said already, and it may come back.
                await asyncio.sleep(self._pace.retry_s)
                continue
            except Transient as error:
                log.warning("the pass could not be finished", error=str(error))
                self._reread = True
                await self._rest()
                continue
            finally:
                self._meter.count_pass(outcome, self._clock.monotonic() - started)
            await self._pause()

    async def do_pass(self, epoch: int, settled_since: float | None) -> bool:
        """One pass; whether the bus has lost nothing. Raises Transient; what was written stays true.

        It ends after a while even where changes go on: nodes are to be judged meanwhile.
        """
        store = self._store
        is_sound = await self._watch.is_sound(epoch, self.read)
        self.doubts.follow(self._events)
        if not is_sound:
            self._judge(settled_since)
            if self._following is None:
                # A new process shows what is there, as a standby does.
                self.shown.follow()
            return False
        if not store.halted_because:
            await self._registrar.register(self._watch.strangers)
            await self._tombstones.drop()
        self._judge(settled_since)
        following = self._following
        if following is None:
            following = self._following = Following(store, self._views)
            await self._look_through(following, epoch)
        if self._is_through:
            following.begin()
        self._is_through = True
        now = self._clock.monotonic()
        if now >= self._refused_at:
            self._refused_at = now + self._pace.refused_s
            following.try_refused()
        is_more, until = True, now + self._pace.tick_s
        while is_more and not self._reread and self._clock.monotonic() <= until:
            is_more = await self._follow(following, epoch)
            # Heartbeats, the lease and commands have a turn.
            await asyncio.sleep(0)
        if is_more:
            # What was decided and is not written yet is on its way: the next pass goes on with it.
            self._is_through = False
            self._wake.set()
        if not store.halted_because:
            await self._go_on(following)
        return True

    async def _go_on(self, following: Following) -> None:
        """What follows from how things stand now: events, routes, releases, ends."""
        tell_moves(following, self._events)
        if not await self._routing.follow():
            self._wake.set()
        self._release_due_s = await self._releases.follow()
        await self._tombstones.bury()

    async def _look_through(self, following: Following, epoch: int) -> None:
        """Before the first document of a new coordinator is written, look through all of them.

        A removal that nothing explains is a reason to write none.
        """
        found: dict[str, NodeDesired] = {}
        while not self._decide(following) or following.has_documents:
            found |= following.documents(epoch, limit=self._pace.documents)
            await asyncio.sleep(0)
        is_explained = self._watch.explains(following.unexplained(found))
        following.failed(found, look_first=not is_explained)

    def _decide(self, following: Following) -> bool:
        """One slice of decisions; whether that was all."""
        # Before anything follows from a record: it may have been read again since the last slice.
        self.doubts.follow(self._events)
        if following.may_retry and self._retrying.is_free:
            with self._retrying:
                return following.decide(limit=self._pace.slice)
        return following.decide(limit=self._pace.slice, retry=False)

    async def _follow(self, following: Following, epoch: int) -> bool:
        """One slice. Whether there is more to do."""
        if not self._decide(following):
            return True
        # From the last look at what has changed to here nobody else had a turn.
        changed = following.documents(epoch, limit=self._pace.documents)
        if not self._watch.explains(following.unexplained(changed)):
            following.failed(changed, look_first=True)
            return False
        await self._fan_out.write(following, changed)
        return following.has_documents

    def _judge(self, settled_since: float | None) -> None:
        """Judge the nodes, once in a while, and soon after one is heard that was missed."""
        now = self._clock.monotonic()
        if now < self._judge_at or not self._judging.is_free:
            return
        self._judge_at = now + self._pace.judge_s
        with self._judging:
            self.health.judge(settled_since, events=self._events)
            self.health.note_who_is_behind(self._pace.behind_s)

    def _hear(self, change: Change) -> None:
        if change.kind in _OWN:
            return
        if change.kind in {Kind.HEARD, Kind.NODE}:
            self._judge_at = 0.0
        self._wake.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(min(self._pace.tick_s, self._release_due_s or math.inf)):
                await self._wake.wait()
                await asyncio.sleep(self._pace.debounce_s)
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _rest(self) -> None:
        """After a failure of the bus: a while, or until it is there again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pace.retry_s):
                await self._back.wait()
