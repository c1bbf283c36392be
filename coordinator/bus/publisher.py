"""`Publisher`: events and audit entries on their way to their streams.

Nothing waits for it: entries are queued and acknowledged one by one in the background. When the bus
is away for long the oldest entries go first, and how many is logged.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from nats.errors import MaxPayloadError
from pydantic import BaseModel

from coordinator.bus.asking import REQUEST_TIMEOUT_S, asking
from coordinator.clock import CLOCK, Clock
from coordinator.errors import BusUnavailable
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.audit import AuditEntry
from schemas.codec import encode
from schemas.command import AnyCommand, verb_of
from schemas.event import Event, EventKind
from schemas.reply import Reply

log = structlog.get_logger()

#: Some ten megabytes; hours of an ordinary cluster's events.
QUEUE_MAX = 10_000
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """One document on its way to its stream."""

    subject: str
    document: BaseModel
    id: str


class Publisher:
    """Implements `coordinator.ports.EventSink`, and writes the audit stream."""

    def __init__(
        self, link: NatsLink, name: str, epoch: Callable[[], int], clock: Clock = CLOCK
    ) -> None:
        self._link = link
        self._clock = clock
        self._name = name
        self._epoch = epoch
        self._queue: deque[_Entry] = deque()
        self._filled = asyncio.Event()
        self._dropped = 0

    def tell(self, kind: EventKind, message: str, *, node: str = "", **about: Any) -> None:
        fields = {"id": uuid.uuid4().hex, "at": self._clock.stamp(), "kind": kind, "node": node}
        event = Event.model_validate({**fields, "message": message, **about})
        self._offer(subjects.event(node, kind.value), event)

    def record(self, command: AnyCommand, reply: Reply) -> None:
        """Queue an audit entry, and an event for every warning of the command's template."""
        noun, verb = verb_of(command)
        entry = AuditEntry(
            at=self._clock.stamp(),
            command_id=command.command_id,
            verb=f"{noun}.{verb}",
            target=command.target,
            issuer=command.issuer,
            outcome=reply.outcome,
            operation_id=reply.operation_id,
            reason=reply.reason,
            warnings=reply.warnings,
            coordinator=self._name,
            epoch=self._epoch(),
        )
        self._offer(subjects.audit(noun, verb), entry)
        about = {"project": command.target, "correlation_id": reply.operation_id}
        for warning in reply.warnings:
            self.tell(EventKind.TEMPLATE_WARNED, warning, **about)

    async def run(self) -> None:
        """For ever: publish what is queued, in order."""
        while True:
            await self._filled.wait()
            while self._queue:
                entry = self._queue[0]
                try:
                    await self._publish(entry)
                except BusUnavailable:
                    await asyncio.sleep(RETRY_S)
                    continue
                # Only now: an entry that was being published may have been dropped meanwhile.
                if self._queue and self._queue[0] is entry:
                    self._queue.popleft()
            self._filled.clear()

    async def _publish(self, entry: _Entry) -> None:
        async with asking(self._link, f"publish {entry.subject}") as client:
            try:
                await client.jetstream().publish(
                    entry.subject,
                    encode(entry.document),
                    timeout=REQUEST_TIMEOUT_S,
                    # Sent again after a lost acknowledgement, it is stored once.
                    headers={"Nats-Msg-Id": entry.id},
                )
            except MaxPayloadError:
                # It would be refused for ever, and hold up everything behind it.
                log.exception("too large to be published; dropped", subject=entry.subject)

    def _offer(self, subject: str, document: BaseModel) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._queue.popleft()
            self._dropped += 1
            if self._dropped % 1000 == 1:
                log.warning("dropped the oldest events", dropped=self._dropped)
        self._queue.append(_Entry(subject, document, uuid.uuid4().hex))
        self._filled.set()
