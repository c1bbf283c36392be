"""`Bus` over nats-py: the agent's side of NATS.

Reads: $KV.desired.<node> by direct get, and as a hint; troopers.node.<node>.<verb>.
Writes: $KV.status.<node>, evt.<node>.<kind>, hb.<node>.
No JetStream consumer and no `kv.watch`: a watch stays deaf for many seconds after a quick restart
of the server, and permissions can't pin either of them to one key. A plain subscription can be.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping

import structlog
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError

from agent.errors import BusUnavailable
from daemon.nats_link import NATS_ERRORS, NatsLink
from daemon.settings import NatsUrls, nats_urls
from schemas import subjects
from schemas.codec import SchemaError, decode, encode
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.event import Event

Answer = Callable[[bytes], Awaitable[bytes]]

log = structlog.get_logger(__name__)

#: Pauses between reads while the stream is still storing what was hinted at: a disk that flushes
#: needs some milliseconds, a cluster without a leader may need more than all of them.
_STORING_S = (0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
_NOTHING = (0, 0)
#: Most answers wait for the engine, which has fewer workers than this.
_ANSWERS_AT_ONCE = 16


class NatsBus:
    """One node's side of the bus. It need not be reachable: calls then raise `BusUnavailable`.

    Build it, register with `on_request` and `on_hint`, then keep `run()` as a task of the agent's
    task group for as long as the agent lives. `run` connects in the background, for ever, so the
    agent starts before NATS does; cancelling it closes the link.

    Before every attempt to connect it waits a random part of `spread_s`: a server that comes back
    must not meet the whole fleet in the same millisecond. A second lets a thousand nodes come back
    by a hundred or two in each tenth of it.
    """

    def __init__(
        self,
        urls: NatsUrls | str,
        node: str,
        *,
        ca: str = "",
        spread_s: float = 1.25,
    ) -> None:
        """`ca` and `spread_s` are `NatsLink`'s."""
        self._node = node
        self._link = NatsLink(
            nats_urls(urls),
            name=f"troopers-agent {node}",
            inbox=f"_INBOX.{node}",
            ca=ca,
            spread_s=spread_s,
            # After a restart of the broker the last one is back within 1.75 s.
            pause_s_max=0.5,
        )
        self._link.on_connect(self._wake)
        self._link.subscribe(subjects.kv_key(subjects.DESIRED_BUCKET, node), self._hear_hint)
        self._wakes: list[Callable[[], None]] = []
        #: the newest position that somebody tried to write
        self._hinted = _NOTHING
        #: after each restart of the broker every node reads again what it has
        self._last_read: tuple[bytes, NodeDesired | None] = (b"", None)
        self._answering = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        self._answers: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Keep the link and answer requests until cancelled."""
        async with asyncio.TaskGroup() as self._answers:
            await self._link.run()

    @property
    def is_connected(self) -> bool:
        return self._link.is_connected

    def on_hint(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def on_request(self, verb: str, answer: Answer) -> None:
        """As the port says. Only before `run`."""

        async def hear(message: Msg) -> None:
            # A slow answer must not hold up the next question.
            await self._answering.acquire()
            if self._answers is not None:
                self._answers.create_task(self._answer(verb, answer, message))

        self._link.subscribe(subjects.node_request(self._node, verb), hear)

    async def desired(self) -> NodeDesired | None:
        """As the port says; never older than what has been hinted at and was really stored."""
        hinted = self._hinted
        for pause_s in _STORING_S:
            try:
                desired = await self._read()
            except SchemaError:
                if hinted == _NOTHING:
                    raise
                # What was hinted at can be read, so this is what was there before it.
                desired = None
            if hinted == _NOTHING or (desired and _position(desired) >= hinted):
                return desired
            await asyncio.sleep(pause_s)
        # It was refused by the stream: somebody else's write came first.
        if self._hinted == hinted:
            self._hinted = _NOTHING
        return await self._read()

    async def put_status(self, current: NodeCurrent) -> None:
        subject = subjects.kv_key(subjects.STATUS_BUCKET, self._node)
        await self._store(f"put the status of node {self._node}", subject, encode(current))

    async def publish_event(self, event: Event) -> None:
        # With the id, an event that is sent again after a lost acknowledgement is stored once.
        await self._store(
            f"publish the event {event.kind}",
            subjects.event(self._node, event.kind),
            encode(event),
            {"Nats-Msg-Id": event.id},
        )

    async def heartbeat(self, beat: Heartbeat) -> None:
        await self._link.publish(subjects.heartbeat(self._node), encode(beat))

    # -- what is heard -----------------------------------------------------------------------

    async def _hear_hint(self, message: Msg) -> None:
        # Subscribers hear of a write before the stream has stored it, and of refused ones too.
        # So its position is only what to look out for; the direct get says what is true.
        with contextlib.suppress(SchemaError):
            self._hinted = max(self._hinted, _position(decode(NodeDesired, message.data)))
        self._wake()

    def _wake(self) -> None:
        for wake in self._wakes:
            try:
                wake()
            except Exception:
                # It may be called by nats-py, where nobody would learn of it.
                log.exception("a listener of the bus failed", node=self._node)

    async def _answer(self, verb: str, answer: Answer, message: Msg) -> None:
        try:
            reply = await answer(message.data)
            if message.reply:
                await message.respond(reply)
        except NATS_ERRORS:
            log.warning("an answer was lost", node=self._node, verb=verb, exc_info=True)
        except Exception:
            # A defect of `answer`; the agent goes on.
            log.exception("a request could not be answered", node=self._node, verb=verb)
        finally:
            self._answering.release()

    # -- what is asked -----------------------------------------------------------------------

    async def _read(self) -> NodeDesired | None:
        doing = f"read what node {self._node} must run"
        subject = subjects.direct_get(subjects.DESIRED_BUCKET, self._node)
        message = await self._ask(doing, subject, b"")
        headers = message.headers or {}
        status = headers.get("Status", "")
        # A deleted key says no more than one that never was: nothing is stopped because of it.
        if status == "404" or headers.get("KV-Operation") in {"DEL", "PURGE"}:
            return None
        if status:
            raise BusUnavailable(f"{doing}: {status} {headers.get('Description', '')}".rstrip())
        payload, desired = self._last_read
        if desired is None or payload != message.data:
            desired = decode(NodeDesired, message.data)
            self._last_read = message.data, desired
        return desired

    async def _store(
        self, doing: str, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Publish to a stream, and see its acknowledgement."""
        message = await self._ask(doing, subject, payload, headers)
        try:
            acknowledgement = json.loads(message.data)
            refusal = acknowledgement.get("error")
        except (ValueError, AttributeError) as error:
            raise BusUnavailable(f"{doing}: the answer is no acknowledgement") from error
        if refusal or "seq" not in acknowledgement:
            raise BusUnavailable(f"{doing}: the stream refused: {refusal}")

    async def _ask(
        self, doing: str, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> Msg:
        try:
            return await self._link.request(subject, payload, headers)
        except ConnectionClosedError as error:
            raise BusUnavailable(f"{doing}: not connected to NATS") from error
        except NATS_ERRORS as error:
            raise BusUnavailable(f"{doing}: no acknowledgement from NATS") from error


def _position(desired: NodeDesired) -> tuple[int, int]:
    return desired.epoch, desired.generation
