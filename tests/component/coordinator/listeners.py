"""Who hears what a coordinator says: events, counts, requests to nodes."""

import asyncio
from datetime import datetime
from typing import Any

from schemas.event import Event, EventKind
from tests.component.coordinator.times import CLOCK


class Meter:
    def __init__(self) -> None:
        self.passes: list[str] = []
        self.writes: list[str] = []

    def count_pass(self, outcome: str, seconds: float) -> None:
        self.passes.append(outcome)

    def count_write(self, outcome: str) -> None:
        self.writes.append(outcome)


class Sink:
    """Implements `coordinator.ports.EventSink`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, kind: EventKind, message: str, *, node: str = "", **about: Any) -> None:
        fields = {"id": "e", "at": "", "kind": kind, "message": message, "node": node}
        self.events.append(Event.model_validate({**fields, **about}))


class Requests:
    """Implements `coordinator.ports.NodeRequests`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str, ...], str]] = []
        self.fault = ""
        #: nodes that don't answer at all
        self.frozen: set[str] = set()
        #: no node answers while it is not set
        self.gate = asyncio.Event()
        self.gate.set()

    async def signal(
        self, node: str, container_ids: tuple[str, ...], signal: str, deadline: datetime
    ) -> str:
        self.sent.append((node, container_ids, signal))
        await self.gate.wait()
        if node in self.frozen:
            await asyncio.sleep((deadline - CLOCK.now()).total_seconds() + 0.01)
            return "its agent has not answered in time"
        return self.fault
