"""`Bus` over nats-py: the agent's side of NATS.

Reads: $KV.desired.<node> by direct get, and as a hint; troopers.node.<node>.<verb>.
Writes: $KV.status.<node>, evt.<node>.<kind>, hb.<node>.
No JetStream consumer and no `kv.watch`: a watch stays deaf for many seconds after a quick restart
of the server, and permissions can't pin either of them to one key. A plain subscription can be.
"""

import asyncio
import contextlib
import json
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from agent.errors import BusUnavailable
from schemas import subjects
from schemas.codec import SchemaError, decode, encode
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.event import Event

Answer = Callable[[bytes], Awaitable[bytes]]

log = structlog.get_logger(__name__)

#: A healthy server answers in a millisecond. Longer than this, a caller had better look again.
_ANSWER_S = 4.0
#: Between attempts. A change made right after a restart of the server must be seen in 3 s.
_PAUSE_S = 0.25
_LOOK_S = 1.0
#: What a lost link's socket gets to say good-bye.
_CLOSE_S = 1.0
#: Pauses between reads while the stream is still storing what was hinted at: a disk that flushes
#: needs some milliseconds, a cluster without a leader may need more than all of them.
_STORING_S = (0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
_NOTHING = (0, 0)
#: Most answers wait for the engine, which has fewer workers than this.
_ANSWERS_AT_ONCE = 16
#: Everything that nats-py may raise because of the world.
_NATS_ERRORS = (NatsError, OSError, asyncio.TimeoutError)


class NatsBus:
    """One node's link to NATS. It need not stand: calls without it raise `BusUnavailable` at once.

    Build it, register with `on_request` and `on_hint`, then keep `run()` as a task of the agent's
    task group for as long as the agent lives. `run` connects in the background, for ever, so the
    agent starts before NATS does; cancelling it closes the link.

    Before every attempt to connect it waits a random part of `spread_s`: a server that comes back
    must not meet the whole fleet in the same millisecond. About a second per 150 nodes.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        node: str,
        *,
        spread_s: float = 0.5,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self._node = node
        self._spread_s = spread_s
        self._tls = tls
        self._client: Client | None = None
        self._wakes: list[Callable[[], None]] = []
        self._answers: dict[str, Answer] = {}
        self._answering = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        #: the deadlines of requests on their way; a lost link lets them all end
        self._deadlines: set[asyncio.Timeout] = set()
        self._last_complaint = ""
        self._hinted = _NOTHING

    # -- the port ----------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    def on_hint(self, wake: Callable[[], None]) -> None:
        self._wakes.append(wake)

    def on_request(self, verb: str, answer: Answer) -> None:
        """As the port says. Only before `run`."""
        self._answers[verb] = answer

    async def desired(self) -> NodeDesired | None:
        """As the port says; never older than what has been hinted at and was really stored."""
        hinted, self._hinted = self._hinted, _NOTHING
        for pause_s in _STORING_S:
            desired = await self._read()
            if hinted == _NOTHING or (desired and _position(desired) >= hinted):
                return desired
            await asyncio.sleep(pause_s)
        # It was refused by the stream: somebody else's write came first.
        return await self._read()

    async def _read(self) -> NodeDesired | None:
        doing = f"read what node {self._node} must run"
        message = await self._request(
            doing, subjects.direct_get(subjects.DESIRED_BUCKET, self._node), b""
        )
        headers = message.headers or {}
        status = headers.get("Status", "")
        # A deleted key says no more than one that never was: nothing is stopped because of it.
        if status == "404" or headers.get("KV-Operation") in {"DEL", "PURGE"}:
            return None
        if status:
            raise BusUnavailable(f"{doing}: {status} {headers.get('Description', '')}".rstrip())
        try:
            desired = decode(NodeDesired, message.data)
        except SchemaError as error:
            raise BusUnavailable(f"{doing}: it is no desired document: {error}") from error
        if desired.node != self._node:
            raise BusUnavailable(f"{doing}: the document is for node {desired.node}")
        return desired

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
        # nats-py would keep it for later, and later it would prove nothing.
        if self._client is None or not self.is_connected:
            return
        try:
            await self._client.publish(subjects.heartbeat(self._node), encode(beat))
        except _NATS_ERRORS:
            log.debug("heartbeat_dropped", node=self._node)

    # -- the link ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the link until cancelled: a new client for every connection.

        nats-py's own reconnecting keeps a queue of stale messages, has no jitter, waits for dead
        sockets to drain, and ends for good after an exception in a callback or some errors of the
        server. There is nothing in a client that is worth keeping: two kinds of subscriptions.
        """
        async with asyncio.TaskGroup() as answering:
            while True:
                await self._hold_link(answering)
                await asyncio.sleep(_PAUSE_S + random.uniform(0, self._spread_s))  # noqa: S311

    async def _hold_link(self, answering: asyncio.TaskGroup) -> None:
        """Connect, and return when the link is lost or can't be made."""
        client, lost = Client(), asyncio.Event()

        async def closed() -> None:
            lost.set()

        try:
            await client.connect(self._servers, closed_cb=closed, **self._settings())
            await self._subscribe(client, answering)
            self._client = client
            self._last_complaint = ""
            log.info("bus_connected", node=self._node)
            self._wake()
            # Looked at as well, because nats-py tells only after it has drained its socket, and
            # the socket of a dead link drains in a quarter of an hour.
            while client.is_connected and not lost.is_set():
                await _within(_LOOK_S, lost.wait())
            log.warning("bus_disconnected", node=self._node)
        except Exception as error:  # noqa: BLE001
            # Besides its own errors nats-py lets out whatever its parsing of a half-dead server
            # raises, and no server may bring the agent down.
            await self._complain(error)
        finally:
            self._client = None
            self._end_requests()
            await _within(_CLOSE_S, client.close())

    def _end_requests(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(now)

    def _settings(self) -> dict[str, Any]:
        return {
            "name": f"troopers-agent {self._node}",
            # Permissions let a node hear nobody's answers but its own.
            "inbox_prefix": f"_INBOX.{self._node}",
            "tls": self._tls,
            "allow_reconnect": False,
            # Every server once more after it refused, then the attempt has failed.
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.2,
            "connect_timeout": 10,
            # A dead link is noticed after 10 to 15 s instead of six minutes.
            "ping_interval": 5,
            "max_outstanding_pings": 2,
            "error_cb": self._complain,
        }

    async def _subscribe(self, client: Client, answering: asyncio.TaskGroup) -> None:
        async def hinted(message: Msg) -> None:
            # Subscribers hear of a write before the stream has stored it, and of refused ones too.
            # So its position is only what to look out for; the direct get says what is true.
            with contextlib.suppress(SchemaError):
                self._hinted = max(self._hinted, _position(decode(NodeDesired, message.data)))
            self._wake()

        hint = subjects.kv_key(subjects.DESIRED_BUCKET, self._node)
        await client.subscribe(hint, cb=hinted)
        for verb, answer in self._answers.items():

            async def asked(message: Msg, verb: str = verb, answer: Answer = answer) -> None:
                # A slow answer must not hold up the next question.
                await self._answering.acquire()
                answering.create_task(self._answer(verb, answer, message))

            await client.subscribe(subjects.node_request(self._node, verb), cb=asked)
        # The server has them before anybody is told to read: a change after that is a hint.
        await client.flush()

    async def _answer(self, verb: str, answer: Answer, message: Msg) -> None:
        try:
            reply = await answer(message.data)
            if message.reply:
                await message.respond(reply)
        except _NATS_ERRORS:
            log.warning("answer_lost", node=self._node, verb=verb, exc_info=True)
        except Exception:
            # A defect of `answer`; the agent goes on.
            log.exception("answer_failed", node=self._node, verb=verb)
        finally:
            self._answering.release()

    def _wake(self) -> None:
        for wake in self._wakes:
            try:
                wake()
            except Exception:
                # In a callback of nats-py nobody would learn of it.
                log.exception("wake_failed", node=self._node)

    async def _complain(self, error: Exception) -> None:
        """Log what is new: a server that stays away is tried every moment."""
        complaint = f"{type(error).__name__}: {error}"
        if complaint != self._last_complaint:
            self._last_complaint = complaint
            log.warning("bus_trouble", node=self._node, error=complaint)

    # -- requests ----------------------------------------------------------------------------

    async def _store(
        self, doing: str, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Publish to a stream, and see its acknowledgement."""
        message = await self._request(doing, subject, payload, headers)
        try:
            acknowledgement = json.loads(message.data)
            refusal = acknowledgement.get("error")
        except (ValueError, AttributeError) as error:
            raise BusUnavailable(f"{doing}: the answer is no acknowledgement") from error
        if refusal or "seq" not in acknowledgement:
            raise BusUnavailable(f"{doing}: the stream refused: {refusal}")

    async def _request(
        self, doing: str, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> Msg:
        if self._client is None or not self.is_connected:
            raise BusUnavailable(f"{doing}: not connected to NATS")
        try:
            async with asyncio.timeout(_ANSWER_S) as deadline:
                self._deadlines.add(deadline)
                try:
                    return await self._client.request(
                        subject,
                        payload,
                        # Ours ends first, and also when the link is lost.
                        timeout=_ANSWER_S * 2,
                        headers=dict(headers) if headers else None,
                    )
                finally:
                    self._deadlines.discard(deadline)
        except _NATS_ERRORS as error:
            raise BusUnavailable(f"{doing}: no acknowledgement from NATS") from error


def _position(desired: NodeDesired) -> tuple[int, int]:
    return desired.epoch, desired.generation


async def _within(seconds: float, work: Awaitable[Any]) -> None:
    """Wait for it, but no longer, and whatever it says."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except _NATS_ERRORS:
        return
