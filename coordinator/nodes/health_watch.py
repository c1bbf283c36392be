"""`HealthWatch`: says of every node how it is, into the picture. An active one tells of changes."""

import time
from collections.abc import Callable, Mapping

import structlog

from coordinator.bus.publisher import event
from coordinator.nodes.health import judge
from coordinator.store.picture import Picture
from schemas.event import Event, EventKind
from schemas.states import NodeState

log = structlog.get_logger()


class HealthWatch:
    """Keeps what one judgement of the nodes needs of the one before."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._unheard: set[str] = set()
        self._returning: Mapping[str, float] = {}
        #: what events have said of every node, or what a standby believed first
        self._told: dict[str, NodeState] = {}

    def judge(
        self, settled_since: float | None, *, tell: Callable[[Event], None] | None = None
    ) -> None:
        """Judge every node; a standby does so as well, and tells nobody.

        Once it is active it tells what it has seen change: the former one may have died with the
        node, and told nothing. So an event may be told twice, but none is lost.
        """
        picture, now = self._picture, time.monotonic()
        previous = self._previous()
        verdict = judge(
            {name: at for name, at in picture.last_seen.items() if name in previous},
            previous,
            now,
            settled_since,
            returning=self._returning,
            last_report=picture.last_reports(self._unheard, now),
        )
        self._returning = verdict.returning
        for name, state in verdict.states.items():
            before = picture.states.get(name)
            if before is not state:
                log.info("a node's state changed", node=name, before=before, state=state)
            told = self._told.setdefault(name, state if tell is None else before or state)
            if tell is not None and told is not state:
                tell(event(EventKind.NODE_STATE, f"node {name} is {state.value}", node=name))
                self._told[name] = state
        frozen_because = verdict.reason if verdict.frozen else ""
        if dict(verdict.states) != picture.states or frozen_because != picture.frozen_because:
            if frozen_because and frozen_because != picture.frozen_because:
                log.warning("nothing is rescheduled", reason=frozen_because)
            picture.states = dict(verdict.states)
            picture.frozen_because = frozen_because
            picture.touch()

    def _previous(self) -> dict[str, NodeState]:
        """What was believed of every node.

        One that this process has never heard takes nothing new, and is silent since the link
        stands; its first sign of life makes it ready at once.
        """
        picture, previous = self._picture, {}
        for name in picture.members():
            if name not in picture.last_seen:
                self._unheard.add(name)
                previous[name] = picture.states.get(name, NodeState.SUSPECT)
            elif name in self._unheard:
                self._unheard.discard(name)
                previous[name] = NodeState.READY
            else:
                previous[name] = picture.states.get(name, NodeState.READY)
        return previous
