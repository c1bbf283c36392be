"""The agent's side of NATS, in memory."""

from collections.abc import Awaitable, Callable

from agent.errors import BusUnavailable
from schemas.codec import decode
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.event import Event


class FakeBus:
    """`Bus` that keeps everything it was told. `is_down` makes it unreachable."""

    def __init__(self) -> None:
        self.is_down = False
        #: the link stands, and nobody acknowledges: a broker without a leader
        self.is_mute = False
        self.document: NodeDesired | None = None
        #: what is there instead of a document
        self.payload: bytes | None = None
        self.statuses: list[NodeCurrent] = []
        self.events: list[Event] = []
        self.heartbeats: list[Heartbeat] = []
        self.answers: dict[str, Callable[[bytes], Awaitable[bytes]]] = {}
        self.reads = 0
        self._wakes: list[Callable[[], None]] = []

    def put_desired(self, document: NodeDesired) -> None:
        """A coordinator writes new orders."""
        self.document, self.payload = document, None
        self.hint()

    def put_raw(self, payload: bytes) -> None:
        """Somebody writes whatever it is."""
        self.payload = payload
        self.hint()

    def hint(self) -> None:
        for wake in self._wakes:
            wake()

    async def request(self, verb: str, payload: bytes) -> bytes:
        """A coordinator asks this node."""
        return await self.answers[verb](payload)

    async def desired(self) -> NodeDesired | None:
        self._reach()
        self.reads += 1
        return self.document if self.payload is None else decode(NodeDesired, self.payload)

    async def put_status(self, current: NodeCurrent) -> None:
        self._reach()
        self.statuses.append(current)

    async def publish_event(self, event: Event) -> None:
        self._reach()
        self.events.append(event)

    async def heartbeat(self, beat: Heartbeat) -> None:
        if not self.is_down:
            self.heartbeats.append(beat)

    def on_hint(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def on_request(self, verb: str, answer: Callable[[bytes], Awaitable[bytes]]) -> None:
        self.answers[verb] = answer

    @property
    def is_connected(self) -> bool:
        return not self.is_down

    def _reach(self) -> None:
        if self.is_down or self.is_mute:
            raise BusUnavailable("the bus is down")
