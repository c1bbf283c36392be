"""Tells the bus what the node is: status, events, heartbeats.

Of statuses the newest wins and is sent again until acknowledged. Events queue up, within bounds.
Heartbeats go out whatever the passes are doing. Writes: KV `status`, `evt.<node>.*`, `hb.<node>`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from agent.domain.happenings import happened
from agent.domain.observation import Observation
from agent.domain.plan import Plan
from agent.domain.status import EngineView, Identity, node_current
from agent.domain.timestamps import rfc3339
from agent.errors import BusUnavailable
from agent.ports import Bus
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.event import Event

log = structlog.get_logger()

#: Twenty statuses a second are more than anybody can look at.
SPACING_S = 0.05
HEARTBEAT_S = 2.0
#: Enough for the burst of a whole node starting; more is a bus that stays away, and old news.
EVENTS_MAX = 1000
RETRY_S = 0.5


class Reporter:
    """Owns the numbering of status documents of this agent process."""

    def __init__(self, identity: Identity, bus: Bus, clock: Callable[[], float]) -> None:
        self._identity = identity
        self._bus = bus
        self._clock = clock
        self._newest: NodeCurrent | None = None
        self._acknowledged = 0
        self._has_status = asyncio.Event()
        self._events: deque[Event] = deque()
        self._has_event = asyncio.Event()
        self.events_dropped = 0

    @property
    def newest(self) -> NodeCurrent | None:
        """The newest status offered."""
        return self._newest

    def report(
        self,
        engine: EngineView,
        desired: NodeDesired | None,
        observed: Observation,
        planned: Plan,
        *,
        refusal: str = "",
        is_resync: bool = False,
    ) -> None:
        """Report what was seen, if it is news; with `is_resync` in any case.

        Whoever lost our last word (a bus that was restored from an old copy) gets it again then.
        """
        identity = self._identity
        current = node_current(identity, engine, desired, observed, planned, refusal=refusal)
        before = self._newest
        if before is not None and before.says_what(current) and not is_resync:
            return
        at = rfc3339(self._clock())
        sequence = before.sequence + 1 if before else 1
        self._newest = current.model_copy(update={"sequence": sequence, "observed_at": at})
        self._has_status.set()
        self._enqueue(happened(before, self._newest, at))

    async def send_statuses(self) -> None:
        """Forever: put the newest status until it is acknowledged."""
        complained_of: NodeCurrent | None = None
        while True:
            await self._has_status.wait()
            self._has_status.clear()
            current = self._newest
            if current is None:
                continue
            try:
                await self._bus.put_status(current)
            except BusUnavailable as error:
                if current is not complained_of:
                    log.warning("status not acknowledged; trying again", error=str(error))
                complained_of = current
                self._has_status.set()
                await asyncio.sleep(RETRY_S)
            else:
                self._acknowledged = current.sequence
                await asyncio.sleep(SPACING_S)

    async def send_events(self) -> None:
        """Forever: tell events in their order, each until acknowledged."""
        while True:
            await self._has_event.wait()
            event = self._events[0]
            try:
                await self._bus.publish_event(event)
            except BusUnavailable:
                await asyncio.sleep(RETRY_S)
                continue
            # While it was on its way, a full queue may have dropped it.
            if self._events[0] is event:
                self._events.popleft()
            if not self._events:
                self._has_event.clear()

    async def send_heartbeats(self) -> None:
        """Forever: prove life, however long a pass takes."""
        while True:
            if current := self._newest:
                await self._bus.heartbeat(
                    Heartbeat(
                        node=current.node,
                        boot_id=current.boot_id,
                        epoch=current.epoch,
                        generation=current.generation,
                        sequence=self._acknowledged,
                        engine=current.engine.state,
                    )
                )
            await asyncio.sleep(HEARTBEAT_S if self._newest else SPACING_S)

    def _enqueue(self, events: Iterable[Event]) -> None:
        for event in events:
            if len(self._events) == EVENTS_MAX:
                self._events.popleft()
                self.events_dropped += 1
                if self.events_dropped % EVENTS_MAX == 1:
                    log.warning("events dropped: the bus is away", dropped=self.events_dropped)
            self._events.append(event)
        if self._events:
            self._has_event.set()
