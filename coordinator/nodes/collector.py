"""`Collector`: heartbeats and status documents into the picture.

Subscribes: `hb.*`, `$KV.status.*`. A core subscription has gaps, so every heartbeat names the
sequence of the status that should already be known, and a gap makes the status be read again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from coordinator.ports import Bucket
from coordinator.store.picture import Picture
from coordinator.store.reading import in_turns
from coordinator.views.sightings import is_news
from schemas import subjects
from schemas.codec import decode
from schemas.current import Heartbeat, NodeCurrent
from schemas.errors import InvalidInput, Transient

log = structlog.get_logger()

#: A status that was put is read back at once; asking more often than this helps nobody.
REREAD_S_MIN = 1.0
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
    """Keeps `Picture.current` and `Picture.last_seen` true."""

    def __init__(self, picture: Picture, status: Bucket, wake: Callable[[], None]) -> None:
        self._picture = picture
        self._status = status
        self._wake = wake
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
        has_news = False
        async for node, (payload, _) in in_turns((await self._status.snapshot()).items()):
            has_news |= self._take(node, payload)
        if has_news:
            self._picture.touch()
            self._wake()

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
            await asyncio.sleep(REREAD_S_MIN)

    async def _reread_one(self, node: str) -> None:
        found = await self._status.get(node)
        if found is not None and self._take(node, found[0]):
            self._picture.touch()
            self._wake()

    async def _on_heartbeat(self, message: Message) -> None:
        node = subjects.node_of(message.subject)
        try:
            beat = decode(Heartbeat, message.data)
        except InvalidInput as error:
            log.warning("a heartbeat can't be read", node=node, error=str(error))
            return
        is_new = node not in self._picture.last_seen or node not in self._picture.nodes
        self._picture.last_seen[node] = time.monotonic()
        self._picture.holding[node] = (beat.epoch, beat.generation)
        known = self._picture.current.get(node)
        known_sequence = known.sequence if known and known.boot_id == beat.boot_id else 0
        told = (beat.boot_id, beat.sequence)
        asked, times = self._asked.get(node, (told, 0))
        if known_sequence < beat.sequence and (asked != told or times < ASKS_MAX):
            self._missed[node] = told
            self._behind.set()
        if is_new:
            self._wake()

    async def _on_status(self, message: Message) -> None:
        if not message.data:
            return
        node = subjects.node_of(message.subject)
        self._picture.last_seen[node] = time.monotonic()
        if self._take(node, message.data):
            self._picture.touch()
            self._wake()

    def _take(self, node: str, payload: bytes) -> bool:
        """Keep a status document unless a newer one is known. Whether it says anything new."""
        try:
            current = decode(NodeCurrent, payload)
        except InvalidInput as error:
            log.warning("a status can't be read", node=node, error=str(error))
            return False
        known = self._picture.current.get(node)
        # Within one life of an agent its own count decides: its clock may be set back. Between two
        # lives the last word counts, and if that was an old one the next heartbeat shows it.
        if known and known.boot_id == current.boot_id and current.sequence < known.sequence:
            return False
        # The subject says whose status this is; permissions guard the subject, not the document.
        current = current.model_copy(update={"node": node})
        self._picture.current[node] = current
        # Every node repeats itself within a minute: of a thousand, that is twenty times a second.
        return is_news(current, known)
