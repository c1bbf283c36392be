"""The same questions to a fake and a real bus: what the contract suite needs from either."""

from typing import Protocol

from agent.ports import Bus
from schemas import subjects
from schemas.codec import decode
from schemas.current import EngineCurrent, Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.event import Event, EventKind
from schemas.states import EngineState
from tests.contract.real_bus import Coordinator, RealServer
from tests.fakes.bus import FakeBus


class BusTrial(Protocol):
    """Node n1's bus, and the coordinator at its other end."""

    bus: Bus

    async def put_desired(self, document: NodeDesired) -> None: ...

    async def put_raw(self, payload: bytes) -> None:
        """Whatever it is, in the document's place."""

    async def request(self, verb: str, payload: bytes) -> bytes: ...

    async def status(self) -> NodeCurrent:
        """The newest one."""
        ...

    async def events(self) -> list[Event]: ...

    def heartbeats(self) -> list[Heartbeat]: ...

    async def cut(self) -> None:
        """The server goes away."""

    async def heal(self) -> None:
        """And comes back with what it had stored."""


class FakeBusTrial:
    """The fake and its own scripting."""

    def __init__(self) -> None:
        self._fake = FakeBus()
        self.bus: Bus = self._fake

    async def put_desired(self, document: NodeDesired) -> None:
        self._fake.put_desired(document)

    async def put_raw(self, payload: bytes) -> None:
        self._fake.put_raw(payload)

    async def request(self, verb: str, payload: bytes) -> bytes:
        return await self._fake.request(verb, payload)

    async def status(self) -> NodeCurrent:
        return self._fake.statuses[-1]

    async def events(self) -> list[Event]:
        return self._fake.events

    def heartbeats(self) -> list[Heartbeat]:
        return self._fake.heartbeats

    async def cut(self) -> None:
        self._fake.is_down = True

    async def heal(self) -> None:
        self._fake.is_down = False
        self._fake.hint()


class RealBusTrial:
    """`NatsBus` on a server that allows it no more than an agent's permissions."""

    def __init__(self, bus: Bus, server: RealServer, coordinator: Coordinator) -> None:
        self.bus = bus
        self._server = server
        self._coordinator = coordinator

    async def put_desired(self, document: NodeDesired) -> None:
        await self._coordinator.put_desired(document)

    async def put_raw(self, payload: bytes) -> None:
        await self._coordinator.put_raw(subjects.DESIRED_BUCKET, "n1", payload)

    async def request(self, verb: str, payload: bytes) -> bytes:
        return await self._coordinator.ask("n1", verb, payload)

    async def status(self) -> NodeCurrent:
        stored = await self._coordinator.newest(subjects.kv_stream(subjects.STATUS_BUCKET))
        return decode(NodeCurrent, stored[-1])

    async def events(self) -> list[Event]:
        stored = await self._coordinator.newest(subjects.EVENTS_STREAM)
        return [decode(Event, payload) for payload in stored]

    def heartbeats(self) -> list[Heartbeat]:
        return [decode(Heartbeat, payload) for payload in self._coordinator.heartbeats]

    async def cut(self) -> None:
        self._server.kill()

    async def heal(self) -> None:
        self._server.start()


def desired(generation: int, node: str = "n1") -> NodeDesired:
    return NodeDesired(node=node, epoch=1, generation=generation)


def current(sequence: int) -> NodeCurrent:
    return NodeCurrent(
        node="n1",
        boot_id="b",
        agent_version="1",
        address="10.0.0.1",
        engine=EngineCurrent(state=EngineState.READY),
        sequence=sequence,
    )


def an_event(event_id: str = "e1") -> Event:
    return Event(id=event_id, at="2026-11-23T00:00:00Z", kind=EventKind.CONTAINER_DIED, node="n1")


def a_heartbeat(sequence: int) -> Heartbeat:
    return Heartbeat(node="n1", boot_id="b", engine=EngineState.READY, sequence=sequence)
