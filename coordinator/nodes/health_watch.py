"""`HealthWatch`: says of every node how it is, into the store. An active one tells of changes."""

import contextlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import structlog

from coordinator.clock import CLOCK, Clock, seconds_rfc3339
from coordinator.nodes.health import judge
from coordinator.ports import EventSink
from coordinator.store.changes import Kind
from coordinator.store.nodes import SUSPECT_AFTER_S, Health
from coordinator.store.store import Store
from schemas.event import EventKind
from schemas.states import NodeState

log = structlog.get_logger()

_READY = Health(NodeState.READY)


class HealthWatch:
    """Keeps what one judgement of the nodes needs of the one before."""

    def __init__(self, store: Store, clock: Clock = CLOCK) -> None:
        self._store = store
        self._clock = clock
        self._unheard: set[str] = set()
        self._returning: Mapping[str, float] = {}
        #: what events have said of every node, or what a standby believed first
        self._told: dict[str, NodeState] = {}
        #: since when each node holds older orders than it should, in monotonic seconds
        self._behind_since: dict[str, float] = {}
        #: the version of the store at the last look at that
        self._looked_at = 0

    def judge(self, settled_since: float | None, *, events: EventSink | None = None) -> None:
        """Judge every node; a standby does so as well, and tells nobody.

        Once it is active it tells what it has seen change: the former one may have died with the
        node, and told nothing. So an event may be told twice, but none is lost.
        """
        store, now = self._store, self._clock.monotonic()
        previous = self._previous()
        verdict = judge(
            {name: at for name, at in store.last_heard.items() if name in previous},
            previous,
            now,
            settled_since,
            returning=self._returning,
            last_report=self._last_reports(self._unheard, now),
        )
        self._returning = verdict.returning
        for name, state in verdict.states.items():
            before = store.health.get(name)
            if before is _READY and state is NodeState.READY and self._told.get(name) is state:
                continue
            if before is None or before.state is not state:
                was = before.state if before else None
                log.info("a node's state changed", node=name, before=was, state=state)
            self._tell(name, state, before.state if before else state, events)
            health = self._health(name, state, before, now)
            if health != before:
                store.health.set(name, health)
        for name in store.health.keys() - verdict.states.keys():
            store.health.forget(name)
        frozen_because = verdict.reason if verdict.frozen else ""
        if frozen_because and frozen_because != store.frozen_because:
            log.warning("nothing is rescheduled", reason=frozen_because)
        store.freeze(frozen_because)

    def note_who_is_behind(self, patience_s: float) -> None:
        """Say of the nodes that have held older orders than theirs for so long since when."""
        store, now = self._store, self._clock.monotonic()
        since = self._behind_since
        for name in self._moved():
            document = store.documents.get(name)
            position = store.position(name) or (0, 0)
            if document is None or position >= (document.epoch, document.generation):
                since.pop(name, None)
                store.behind.forget(name)
            else:
                since.setdefault(name, now)
        for name, at in since.items():
            if now - at > patience_s and name not in store.behind:
                store.behind.set(name, self._time_of_day(at, now))

    def _moved(self) -> Collection[str]:
        """The nodes whose orders are others than at the last look, or that hold others."""
        store = self._store
        changes = store.changes.since(self._looked_at)
        self._looked_at = store.changes.version
        if changes is None:
            return {*store.documents, *self._behind_since}
        kinds = (Kind.DOCUMENT, Kind.REPORT, Kind.POSITION)
        return {name for kind in kinds for name in changes.of(kind)}

    def _tell(
        self, name: str, state: NodeState, before: NodeState, events: EventSink | None
    ) -> None:
        told = self._told.setdefault(name, state if events is None else before)
        if events is not None and told is not state:
            events.tell(EventKind.NODE_STATE, f"node {name} is {state.value}", node=name)
            self._told[name] = state

    def _health(self, name: str, state: NodeState, before: Health | None, now: float) -> Health:
        """What to believe; the same as before while it says the same.

        How long a node has been silent counts only where it makes a difference.
        """
        at = self._store.last_heard.get(name)
        if state is NodeState.READY:
            return _READY
        if at is None:
            return Health(state)
        silent_for_s = now - at
        is_missed = silent_for_s >= SUSPECT_AFTER_S
        if (
            before is not None
            and before.state is state
            and before.silent_since
            and is_missed is (before.silent_for_s >= SUSPECT_AFTER_S)
        ):
            return before
        return Health(state, silent_for_s, self._time_of_day(at, now))

    def _time_of_day(self, at: float, now: float) -> str:
        return seconds_rfc3339(self._clock.now().timestamp() - (now - at))

    def _previous(self) -> dict[str, NodeState]:
        """What was believed of every node.

        One that this process has never heard takes nothing new, and is silent since the link
        stands; its first sign of life makes it ready at once.
        """
        store, previous = self._store, {}
        for name in store.known:
            health = store.health.get(name)
            if name not in store.last_heard:
                self._unheard.add(name)
                previous[name] = health.state if health else NodeState.SUSPECT
            elif name in self._unheard:
                self._unheard.discard(name)
                previous[name] = NodeState.READY
            else:
                previous[name] = health.state if health else NodeState.READY
        return previous

    def _last_reports(self, nodes: Iterable[str], now: float) -> dict[str, float]:
        """When these nodes said that they reported last, on the clock of `now`; only roughly."""
        at, found = self._clock.now(), {}
        for name in nodes:
            # A node may say anything.
            with contextlib.suppress(KeyError, ValueError, TypeError):
                reported = datetime.fromisoformat(self._store.reports[name].observed_at)
                found[name] = now - max(0.0, (at - reported).total_seconds())
        return found
