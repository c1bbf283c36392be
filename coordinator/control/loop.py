"""`ControlLoop`: wake, one pass, wait. It decides nothing itself.

A pass: judge nodes -> schedule -> roll up -> assign -> fan out -> bury what is gone. Wakes: a
command was saved, a status came in, a second has passed. Writes: KV `nodes`, `desired`, `projects`.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import structlog

from coordinator.bus.publisher import event
from coordinator.control.decision import Consequences, follow
from coordinator.control.loss_watch import LossWatch
from coordinator.control.tombstones import Graveyard
from coordinator.errors import BusWentBack, RevisionConflict
from coordinator.failpoints import failpoint
from coordinator.nodes.health_watch import HealthWatch
from coordinator.nodes.registrar import Registrar
from coordinator.placement.schedule import Placement
from coordinator.ports import Bucket, EventSink, PassMeter
from coordinator.store.picture import NOWHERE, Held, Picture
from coordinator.store.reading import refreshed
from schemas.desired import NodeDesired
from schemas.errors import InvalidInput, Transient
from schemas.event import EventKind
from schemas.names import is_node_name
from schemas.records import NodeRecord, ProjectRecord, VolumeRecord
from schemas.subjects import DESIRED_BUCKET, NODES_BUCKET, PROJECTS_BUCKET, VOLUMES_BUCKET

log = structlog.get_logger()

#: since when the link to the bus stands, in monotonic seconds; None while it doesn't
SettledSince = Callable[[], float | None]

#: Nodes are judged by age, so time alone is a reason to look.
TICK_S = 1.0
#: A burst of statuses becomes one pass.
DEBOUNCE_S = 0.005
RETRY_S = 1.0
#: After a lost race: at once, but not as fast as the processor can.
CONFLICT_PAUSE_S = 0.02
#: Writes in flight: enough to hide the round trip, few enough not to flood a small broker.
WRITES_MAX = 32


@dataclass(frozen=True, slots=True)
class Buckets:
    """The coordinator's own buckets."""

    projects: Bucket
    volumes: Bucket
    nodes: Bucket
    desired: Bucket


class ControlLoop:
    """Turns records and statuses into desired documents."""

    def __init__(
        self,
        picture: Picture,
        buckets: Buckets,
        events: EventSink,
        meter: PassMeter,
        watch: LossWatch,
    ) -> None:
        self._picture = picture
        self._watch = watch
        self._buckets = buckets
        self._events = events
        self._meter = meter
        self._wake = asyncio.Event()
        self._reread = False
        self._graveyard = Graveyard(picture, buckets.projects, buckets.volumes, events)
        self.health = HealthWatch(picture)
        self._passed_version = -1
        #: in monotonic seconds
        self._rest_until = 0.0
        self._registrar = Registrar(picture, buckets.nodes, events)
        # Of its own: a pass waits for nobody's template.
        self._thread = ThreadPoolExecutor(1, "pass")

    def close(self) -> None:
        """End its thread, once what it decides is decided. No pass can be made any more."""
        self._thread.shutdown(wait=False)

    def wake(self) -> None:
        self._wake.set()

    def reread_and_wake(self) -> None:
        """What is remembered may be old: read it again before the next pass."""
        self._reread = True
        self._wake.set()

    async def read(self) -> None:
        """Read all records and documents. Raises Transient, and keeps what a lost one was then."""
        picture, buckets = self._picture, self._buckets
        # Before the reading begins: who asks for another one meanwhile gets another one.
        self._reread = False
        try:
            newest = await self._watch.look()
            picture.projects = await refreshed(
                ProjectRecord, buckets.projects, lambda: picture.projects, newest[PROJECTS_BUCKET]
            )
            picture.volumes = await refreshed(
                VolumeRecord, buckets.volumes, lambda: picture.volumes, newest[VOLUMES_BUCKET]
            )
            picture.nodes = await refreshed(
                NodeRecord, buckets.nodes, lambda: picture.nodes, newest[NODES_BUCKET]
            )
            picture.documents = await refreshed(
                NodeDesired,
                buckets.desired,
                lambda: picture.documents,
                newest[DESIRED_BUCKET],
                blank=_blank,
            )
        except Transient:
            self._reread = True
            raise
        picture.touch()

    async def run(self, epoch: int, link_settled_since: SettledSince) -> None:
        """For ever: pass after pass, as the active coordinator of this epoch."""
        while True:
            started = time.monotonic()
            outcome = "failed"
            try:
                if self._reread:
                    await self.read()
                await self.do_pass(epoch, link_settled_since())
                outcome = "settled"
            except RevisionConflict as error:
                outcome = "retry"
                log.warning("somebody else has written; reading again", error=str(error))
                self._reread = True
                await asyncio.sleep(CONFLICT_PAUSE_S)
                continue
            except BusWentBack:
                # Said already, and it may come back.
                await asyncio.sleep(RETRY_S)
                continue
            except Transient as error:
                log.warning("the pass could not be finished", error=str(error))
                self._reread = True
                await asyncio.sleep(RETRY_S)
                continue
            finally:
                self._meter.count_pass(outcome, time.monotonic() - started)
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK_S):
                await self._wake.wait()
                # Deciding takes half of the time at most: the other half is the commands'.
                await asyncio.sleep(max(DEBOUNCE_S, self._rest_until - time.monotonic()))
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def do_pass(self, epoch: int, settled_since: float | None) -> None:
        """One pass. Raises Transient; whatever was written stays true."""
        picture = self._picture
        now = time.monotonic()
        is_sound = await self._watch.is_sound(epoch, self.read)
        if is_sound:
            await self._registrar.register(self._watch.strangers)
        self.health.judge(settled_since, tell=self._events.tell)
        picture.note_who_is_behind(now)
        if not is_sound:
            # What nodes say is no reason to read everything again as often as they say something.
            self._rest_until = time.monotonic() + RETRY_S
            if picture.placement is NOWHERE:
                # A new process shows what is there, as a standby does.
                picture.placement = Placement(assigned=picture.placed())
                picture.touch()
            return
        await self._graveyard.drop(now)
        if picture.version == self._passed_version:
            # Time alone has changed nothing.
            return
        self._passed_version = picture.version
        # One snapshot for the whole pass: what comes in meanwhile wakes the next one.
        revisions = {name: held.revision for name, held in picture.projects.items()}
        projects = picture.records()
        nodes = picture.node_pictures(now)
        documents = picture.held_documents()
        began = time.monotonic()
        # In a thread: of a thousand nodes it takes a good part of a second, in which heartbeats are
        # to be heard and the lease renewed. It is pure, and what it is given never changes.
        deciding = partial(
            follow,
            projects,
            nodes,
            documents,
            epoch,
            volumes=picture.volume_records(),
            frozen=bool(picture.frozen_because),
            before=picture.rolled_up,
        )
        following = await asyncio.get_running_loop().run_in_executor(self._thread, deciding)
        ended = time.monotonic()
        self._rest_until = ended + (ended - began)
        if not self._watch.explains(following.unexplained(projects, documents)):
            return
        placement = following.placement
        is_news = (
            following.changed or placement != picture.placement or revisions != picture.applied
        )
        picture.placement = placement
        picture.adopt(following.rolled_up)
        await self._fan_out(following)
        self._tell_moves(placement)
        picture.applied = revisions
        if is_news:
            picture.touch()
        await self._graveyard.bury(nodes)

    def _tell_moves(self, placement: Placement) -> None:
        for key, (source, target) in placement.moved.items():
            log.info("moved", slot=str(key), source=source, target=target)
            self._events.tell(
                event(
                    EventKind.SLOT_MOVED,
                    f"{key} moved from {source} to {target}",
                    project=key.project,
                    service=key.service,
                    slot=key.slot,
                )
            )

    async def _fan_out(self, following: Consequences) -> None:
        turns = asyncio.Semaphore(WRITES_MAX)
        changed = following.changed
        first = changed.keys() & following.first

        async def write(name: str, document: NodeDesired) -> None:
            held = self._picture.documents.get(name)
            async with turns:
                failpoint("before_desired_put")
                outcome = "unavailable"
                try:
                    revision = await self._buckets.desired.put(
                        name, document, held.revision if held else 0
                    )
                    outcome = "ok"
                except RevisionConflict:
                    outcome = "conflict"
                    raise
                except InvalidInput as error:
                    # Too large for the broker. Every other node gets its orders all the same, and
                    # this one keeps its old ones.
                    outcome = "refused"
                    if self._picture.refused.get(name) != str(error):
                        self._picture.refused[name] = str(error)
                        log.exception("a node's document can't be written", node=name)
                    return
                finally:
                    self._meter.count_write(outcome)
                failpoint("after_desired_put")
            self._picture.documents[name] = Held(document, revision)
            self._picture.refused.pop(name, None)

        for wave in (first, changed.keys() - first):
            results = await asyncio.gather(
                *(write(name, changed[name]) for name in sorted(wave)), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result


def _blank(name: str) -> NodeDesired | None:
    """Stands for a document that can't be read: it is made again from records and containers."""
    return NodeDesired(node=name, epoch=0, generation=0) if is_node_name(name) else None
