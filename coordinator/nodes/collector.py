"""`Collector`: heartbeats and status documents into the store.

Subscribes: `hb.*`, `$KV.status.*`. A core subscription has gaps, so every heartbeat names the
sequence of the status that should already be known, and a gap makes the status be read again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from coordinator.clock import CLOCK, PACE, Clock, Pace
from coordinator.ports import Bucket
from coordinator.store.changes import Kind
from coordinator.store.nodes import is_news
from coordinator.store.store import Store
from coordinator.store.table import in_turns
from schemas import subjects
from schemas.codec import decode
from schemas.current import Heartbeat, NodeCurrent
from schemas.errors import InvalidInput, Transient
from schemas.states import NodeState

log = structlog.get_logger()

#: A copy of the stream may lag behind once or twice; what can't be read then never can.
ASKS_MAX = 3
#: More missed statuses than this are read all together.
SINGLY_MAX = 32

_Told = tuple[str, int]


class Message(Protocol):
    """What was said, and where."""

    subject: str
    data: bytes


class Link(Protocol):
    """Where subjects are heard."""

    def subscribe(self, subject: str, hear: Callable[[Message], Awaitable[None]]) -> None:
        """Hear what is said there whenever the link stands."""
        ...


class Collector:
    """The only writer of what nodes report."""

    def __init__(
        self, store: Store, status: Bucket, clock: Clock = CLOCK, pace: Pace = PACE
    ) -> None:
        self._store = store
        self._status = status
        self._clock = clock
        self._pace = pace
        self._behind = asyncio.Event()
        #: every status may have been missed
        self._all_missed = False
        #: node -> boot id and sequence of the status that was missed
        self._missed: dict[str, _Told] = {}
        #: node -> what was asked for last, and how often: it may be unreadable, or a lie
        self._asked: dict[str, tuple[_Told, int]] = {}

    def subscribe(self, link: Link) -> None:
        """Hear all nodes; call `reread` on each connection to know what was said before."""
        link.subscribe(subjects.ALL_HEARTBEATS, self._on_heartbeat)
        link.subscribe(subjects.kv_key(subjects.STATUS_BUCKET, "*"), self._on_status)

    def reread_soon(self) -> None:
        """Something may have been missed."""
        self._all_missed = True
        self._behind.set()

    async def reread(self) -> None:
        """Read every status document."""
        async for node, (payload, _) in in_turns((await self._status.snapshot()).items()):
            self._take(node, payload)

    async def run(self) -> None:
        """For ever: read again when a heartbeat shows that something was missed."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            is_about_all = self._all_missed or len(self._missed) > SINGLY_MAX
            missed, self._missed, self._all_missed = self._missed, {}, False
            try:
                if is_about_all:
                    await self.reread()
                else:
                    await asyncio.gather(*(self._reread_one(node) for node in sorted(missed)))
            except Transient as error:
                log.warning("statuses could not be read again", error=str(error))
                self._all_missed = is_about_all
                self._missed = missed | self._missed
                self._behind.set()
            else:
                for node, told in missed.items():
                    before, times = self._asked.get(node, (told, 0))
                    self._asked[node] = (told, times + 1 if before == told else 1)
            await asyncio.sleep(self._pace.reread_s)

    async def _reread_one(self, node: str) -> None:
        found = await self._status.get(node)
        if found is not None:
            self._take(node, found[0])

    async def _on_heartbeat(self, message: Message) -> None:
        node = subjects.node_of(message.subject)
        try:
            beat = decode(Heartbeat, message.data)
        except InvalidInput as error:
            log.warning("a heartbeat can't be read", node=node, error=str(error))
            return
        self._heard(node)
        position = (beat.epoch, beat.generation)
        if self._store.positions.get(node) != position:
            self._store.positions.set(node, position)
        known = self._store.reports.get(node)
        known_sequence = known.sequence if known and known.boot_id == beat.boot_id else 0
        told = (beat.boot_id, beat.sequence)
        asked, times = self._asked.get(node, (told, 0))
        if known_sequence < beat.sequence and (asked != told or times < ASKS_MAX):
            self._missed[node] = told
            self._behind.set()

    async def _on_status(self, message: Message) -> None:
        if not message.data:
            return
        node = subjects.node_of(message.subject)
        self._heard(node)
        self._take(node, message.data)

    def _heard(self, node: str) -> None:
        """A sign of life. Of one that was missed it is a reason to judge again."""
        store = self._store
        health = store.health.get(node)
        is_missed = health is not None and health.state is not NodeState.READY
        is_new = node not in store.last_heard
        store.last_heard[node] = self._clock.monotonic()
        if is_new or is_missed:
            store.changes.append(Kind.HEARD, node)

    def _take(self, node: str, payload: bytes) -> None:
        """Keep a status document unless a newer one is known."""
        try:
            current = decode(NodeCurrent, payload)
        except InvalidInput as error:
            log.warning("a status can't be read", node=node, error=str(error))
            return
        known = self._store.reports.get(node)
        # Within one life of an agent its own count decides: its clock may be set back. Between two
        # lives the last word counts, and if that was an old one the next heartbeat shows it.
        if known and known.boot_id == current.boot_id and current.sequence < known.sequence:
            return
        # The subject says whose status this is; permissions guard the subject, not the document.
        if current.node != node:
            current = current.model_copy(update={"node": node})
        if known:
            current = current.made_of(known)
        # Every node repeats itself within a minute: of a thousand, that is twenty times a second.
        if is_news(current, known):
            self._store.reports.set(node, current)
        else:
            self._store.repeat(current)
