"""One node's connection to NATS: made again for as long as the agent lives.

Knows subscriptions and requests, and nothing about what they say.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from agent.errors import BusUnavailable
from daemon.nats_client import Client

Hear = Callable[[Msg], Awaitable[None]]

log = structlog.get_logger(__name__)

#: Everything that nats-py is known to raise because of the world.
NATS_ERRORS = (NatsError, OSError, asyncio.TimeoutError)

#: A healthy server answers in a millisecond. Longer than this, a caller had better look again.
_ANSWER_S = 4.0
#: Between attempts. A change made right after a restart of the server must be seen in 3 s.
_PAUSE_S = 0.25
_LOOK_S = 1.0
#: What a lost link's socket gets to say good-bye.
_CLOSE_S = 1.0


class NatsLink:
    """A connection that comes back: a new nats-py client each time.

    nats-py's own reconnecting keeps a queue of stale messages, has no jitter, waits for dead
    sockets to drain, and ends for good after an exception in a callback or some errors of the
    server. There is nothing in a client that is worth keeping: a few subscriptions.

    `connected` is called whenever the link stands and every subscription with it.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        node: str,
        *,
        connected: Callable[[], None],
        spread_s: float,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self._node = node
        self._connected = connected
        self._spread_s = spread_s
        self._tls = tls
        self._client: Client | None = None
        self._subscriptions: dict[str, Hear] = {}
        #: the deadlines of requests on their way; a lost link lets them all end
        self._deadlines: set[asyncio.Timeout] = set()
        self._last_complaint = ""

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    def subscribe(self, subject: str, hear: Hear) -> None:
        """Hear what is said there, whenever the link stands. Only before `run`."""
        self._subscriptions[subject] = hear

    async def run(self) -> None:
        """Keep the link until cancelled."""
        while True:
            await self._hold()
            await asyncio.sleep(_PAUSE_S + random.uniform(0, self._spread_s))  # noqa: S311

    async def publish(self, subject: str, payload: bytes) -> None:
        """Fire and forget; dropped without a link, when nats-py would keep it for later."""
        if self._client is None or not self.is_connected:
            return
        try:
            await self._client.publish(subject, payload)
        except NATS_ERRORS:
            log.debug("message_dropped", node=self._node, subject=subject)

    async def request(
        self, doing: str, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
    ) -> Msg:
        """Ask, and give the answer.

        Raises BusUnavailable: at once without a link, as soon as the link is lost, or when the
        answer takes too long, which is also how a refused permission shows.
        """
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
        except NATS_ERRORS as error:
            raise BusUnavailable(f"{doing}: no acknowledgement from NATS") from error

    async def _hold(self) -> None:
        """Connect, and return when the link is lost or can't be made."""
        client, lost = Client(), asyncio.Event()

        async def closed() -> None:
            lost.set()

        try:
            await client.connect(self._servers, closed_cb=closed, **self._settings())
            for subject, hear in self._subscriptions.items():
                await client.subscribe(subject, cb=hear)
            # The server has them before anybody is told to read: a change after that is a hint.
            await client.flush()
            self._client = client
            self._last_complaint = ""
            log.info("bus_connected", node=self._node)
            self._connected()
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

    def _end_requests(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(now)

    async def _complain(self, error: Exception) -> None:
        """Log what is new: a server that stays away is tried every moment."""
        complaint = f"{type(error).__name__}: {error}"
        if complaint != self._last_complaint:
            self._last_complaint = complaint
            log.warning("bus_trouble", node=self._node, error=complaint)


async def _within(seconds: float, work: Awaitable[Any]) -> None:
    """Wait for it, but no longer, and whatever it says."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except NATS_ERRORS:
        return
