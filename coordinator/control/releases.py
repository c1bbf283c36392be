"""`Releases`: takes every release that is under way a step further, when what is seen says so.

It decides nothing: `coordinator.releases` has the table, the batches and the senses. It keeps the
clocks of batches, which begin anew with every coordinator. Reads: the store, views. Writes: KV
`projects`.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from coordinator.clock import Clock
from coordinator.commands.record_writer import RecordWriter
from coordinator.failpoints import failpoint
from coordinator.ports import EventSink
from coordinator.releases.rollouts import is_backwards
from coordinator.releases.sensing import Batch, Seen, Sense, sense
from coordinator.releases.steps import Happening, is_possible, step
from coordinator.store.nodes import Position, position_of
from coordinator.store.placements import NOWHERE
from coordinator.store.store import Store
from coordinator.views.projects import ProjectViews
from coordinator.views.releases import (
    BatchNow,
    Nodes,
    OrderedNode,
    batches_now,
    pulls_now,
    slots_of,
)
from coordinator.views.rollup import ProjectView
from schemas.errors import InvalidInput
from schemas.event import EventKind
from schemas.records import ProjectRecord
from schemas.release import Release, Rollout
from schemas.states import State

log = structlog.get_logger()

#: more than what one pass changes
UNTOLD_MAX = 1000

#: whether every router has what the project's record says, as far as any has registered
IsRouted = Callable[[str], bool]


@dataclass(slots=True)
class _Watched:
    """The clocks of one service's batch, in monotonic seconds."""

    rollout: Rollout
    up_since: float | None = None
    missing_since: float | None = None


@dataclass(slots=True)
class _Clocks:
    """Of one release in one of its states."""

    of: tuple[object, ...]
    since: float = 0.0
    services: dict[str, _Watched] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """By node: the first document that is known to have what one revision of a record asks for."""

    revision: int
    since: dict[str, Position] = field(default_factory=dict)


class Releases:
    """Follows the projects that have a release."""

    def __init__(
        self,
        store: Store,
        views: ProjectViews,
        writer: RecordWriter[ProjectRecord],
        events: EventSink,
        clock: Clock,
        *,
        is_routed: IsRouted,
        deadline_s: float,
    ) -> None:
        self._store = store
        self._views = views
        self._writer = writer
        self._events = events
        self._clock = clock
        self._is_routed = is_routed
        self._deadline_s = deadline_s
        self._released: dict[str, _Clocks | None] = {}
        #: project -> revision of a record whose next step the bus doesn't take
        self._stuck: dict[str, int] = {}
        self._ordered: dict[str, _Ordered] = {}
        #: records before and after, whoever has changed them
        self._untold: deque[tuple[ProjectRecord, ProjectRecord]] = deque(maxlen=UNTOLD_MAX)
        store.projects.observe(self._hear)

    async def follow(self) -> float | None:
        """One step of each release that can take one; seconds until a clock is a reason to look again.

        Raises Transient; what was written stays true.
        """
        while self._untold:
            self._tell(*self._untold.popleft())
        if self._store.frozen_because:
            # What can't be seen proves nothing; commands are taken all the same.
            return None
        waits: list[float] = []
        for name in sorted(self._released):
            if self._stuck.get(name) == self._store.projects.revision(name):
                continue
            found = self._sense(name)
            if found is None:
                continue
            if found.signal is not None:
                await self._step(name, found)
            elif found.look_in_s is not None:
                waits.append(found.look_in_s)
        return min(waits, default=None)

    def _hear(self, name: str, before: ProjectRecord | None, record: ProjectRecord | None) -> None:
        if before is not None and record is not None and before.release is not record.release:
            self._untold.append((before, record))
        is_released = (
            record is not None
            and record.release is not None
            and record.desired_state is not State.DELETED
        )
        if is_released:
            self._released.setdefault(name, None)
        else:
            self._released.pop(name, None)
            self._stuck.pop(name, None)
            self._ordered.pop(name, None)

    def _sense(self, name: str) -> Sense | None:
        view = self._views.of(name)
        record = self._store.projects.get(name)
        if record is None or record.desired_state is State.DELETED or record.release is None:
            return None
        if view is None or view.record is not record:
            # What is in doubt has no view of its record; it goes on when an operator has decided.
            return None
        return sense(record, record.release, self._seen(name, view, record.release))

    def _seen(self, name: str, view: ProjectView, release: Release) -> Seen:
        store = self._store
        placement = store.placements.get(name, NOWHERE)
        is_applied = store.applied.get(name) == store.projects.revision(name)
        nodes = self._nodes(name) if is_applied else {}
        pulls, message = pulls_now(name, nodes)
        now = batches_now(view, placement, nodes) if is_applied else {}
        batches = self._timed(name, release, now)
        clocks = self._released[name]
        return Seen(
            pulls=pulls if is_applied else pulls.GOING,
            pull_message=message,
            batches=batches,
            routers=self._routers_behind(name),
            waiting_for_s=self._clock.monotonic() - clocks.since if clocks else 0.0,
            is_routed=is_applied and self._is_routed(name),
            is_applied=is_applied,
            deadline_s=self._deadline_s,
        )

    def _routers_behind(self, name: str) -> str:
        """The routers that have not applied the project's newest routes, in words."""
        held, routers = self._store.routes.get(name), self._store.routers
        generation = held.generation if held else 0
        behind = [
            each for each in sorted(routers) if routers[each].applied.get(name, 0) < generation
        ]
        return f"router {', '.join(behind)}" if behind else "a router"

    def begin(self) -> None:
        """A tenure begins: what was seen before it is no reason for a step."""
        self._untold.clear()
        self._released = dict.fromkeys(self._released)
        self._ordered.clear()

    def _nodes(self, name: str) -> Nodes:
        """The nodes that have to do with a project all of whose orders are written."""
        store = self._store
        revision = store.projects.revision(name)
        ordered = self._ordered.get(name)
        if ordered is None or ordered.revision != revision:
            ordered = self._ordered[name] = _Ordered(revision)
        found = {}
        for node in store.nodes_of(name):
            if node in store.known and node in store.documents:
                document = store.documents[node]
                since = ordered.since.setdefault(node, position_of(document))
                found[node] = OrderedNode(store.known[node], document, since)
        return found

    def _timed(self, name: str, release: Release, batches: dict[str, BatchNow]) -> dict[str, Batch]:
        """The batches with how long they have been so."""
        at = self._clock.monotonic()
        of = release.operation.id, release.state, release.confirmed
        clocks = self._released.get(name)
        if clocks is None or clocks.of != of:
            clocks = self._released[name] = _Clocks(of, at)
        timed = {}
        for service, now in batches.items():
            rollout = release.rollouts[service]
            watched = clocks.services.get(service)
            if watched is None or watched.rollout != rollout:
                has_same = watched and _awaits(watched.rollout, release) == _awaits(
                    rollout, release
                )
                # Where only what it replaced goes, nothing is to be waited for anew.
                up_since = watched.up_since if watched and has_same else None
                watched = clocks.services[service] = _Watched(rollout, up_since)
            if now.missing <= now.unheard and not now.leaving:
                # Those whose containers are right are missed by nobody.
                watched.missing_since = None
            elif watched.missing_since is None:
                watched.missing_since = at
            missing_for_s = at - watched.missing_since if watched.missing_since is not None else 0.0
            if now.missing <= now.failed_missing or missing_for_s >= self._deadline_s:
                watched.up_since = at if watched.up_since is None else watched.up_since
            elif now.missing - now.unheard > now.failed_missing:
                watched.up_since = None
            timed[service] = Batch(
                total=now.total,
                missing=now.missing,
                failed=now.failed,
                failed_missing=now.failed_missing,
                leaving=now.leaving,
                proof_s=now.proof_s,
                why=now.why,
                up_for_s=at - watched.up_since if watched.up_since is not None else 0.0,
                left_behind=now.left_behind,
                up=now.up,
                missing_for_s=missing_for_s,
            )
        return timed

    async def _step(self, name: str, found: Sense) -> None:
        signal = found.signal
        revision = self._store.projects.revision(name)
        placement = self._store.placements.get(name, NOWHERE)

        def amended(record: ProjectRecord) -> ProjectRecord | None:
            release = record.release
            # A command may have been decided since it was looked at.
            if self._store.projects.revision(name) != revision or release is None or signal is None:
                return None
            if not is_possible(release, signal):
                return None
            happening = Happening(self._clock.stamp(), up=found.up, message=found.message)
            return step(record, signal, happening, slots_of(record, placement))

        failpoint("before_release_put")
        try:
            await self._writer.amend(name, amended)
        except InvalidInput:
            # It has become too large for the bus, by a message: an operator can still roll it back.
            log.exception("a release can't go on", project=name)
            self._stuck[name] = revision
            return
        failpoint("after_release_put")

    def _tell(self, before: ProjectRecord, record: ProjectRecord) -> None:
        was, release, ended = before.release, record.release, record.last_release
        if release is not None:
            if was is not None and (was.operation, was.state) == (release.operation, release.state):
                return
            state, message, version = release.state, release.message, release.target.version
            kind, operation = release.kind, release.operation.id
        elif ended is not None and ended is not before.last_release:
            state, message, version = ended.outcome, ended.message, ended.version
            kind, operation = ended.kind, ended.operation
        else:
            return
        words = message or f"the update to {version} is {state.value.replace('_', ' ')}"
        log.info("release", project=record.name, state=state.value, version=version)
        self._events.tell(
            EventKind.RELEASE_STATE,
            f"project {record.name}: {words}",
            project=record.name,
            correlation_id=operation,
            attributes={"state": state.value, "version": version, "kind": kind.value},
        )


def _awaits(rollout: Rollout, release: Release) -> int:
    """What decides whose containers are waited for: forwards the new ones', back the old ones'."""
    return rollout.replaced if is_backwards(release) else rollout.begun
