"""`NatsLink`: a daemon's connection to NATS, made again for as long as the daemon lives.

Knows subscriptions and requests, and nothing about what they say.
"""

import asyncio
import contextlib
import itertools
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import structlog
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, NoServersError
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from daemon.nats_client import Client
from daemon.settings import NatsServer, NatsUrls

Hear = Callable[[Msg], Awaitable[None]]

log = structlog.get_logger(__name__)

#: Everything that nats-py is known to raise because of the world.
NATS_ERRORS = (NatsError, OSError, TimeoutError)

#: A healthy server answers in a millisecond. Longer than this, a caller had better look again.
ANSWER_S = 4.0
#: What one server gets to let us in.
_CONNECT_S = 5.0
#: Between attempts. A change made right after a restart of the server must be seen in 3 s.
_PAUSE_S = 0.25
_PAUSE_S_MAX = 1.0
#: A server that lets us in and throws us out again at once has not helped.
_STEADY_S = 2.0
#: A dead link is noticed after 10 to 15 s instead of six minutes.
_PING_S = 5
_PINGS_UNANSWERED_MAX = 2
_LOOK_S = 1.0
#: What a link's socket gets to say good-bye.
_CLOSE_S = 1.0


class NatsLink:
    """A connection that comes back, whatever the server says: a new nats-py client each time.

    nats-py's own reconnecting keeps a queue of stale messages, has no jitter, waits for dead
    sockets to drain, and ends for good after an exception in a callback or some errors of the
    server. There is nothing in a client that is worth keeping: a few subscriptions.

    Build it, register with `subscribe` and `on_connect`, then keep `run()` as a task. Servers are
    tried in turn, in an order that differs from daemon to daemon. Between attempts it waits longer
    and longer, up to a second, and a random part of `spread_s`: a server that comes back must not
    meet the whole fleet in the same millisecond.
    """

    def __init__(
        self,
        urls: NatsUrls,
        *,
        name: str,
        inbox: str,
        ca: str = "",
        spread_s: float = 0.5,
        pause_s_max: float = _PAUSE_S_MAX,
    ) -> None:
        """`ca`: a file with the certificates to trust for TLS; empty: the machine's own.

        `inbox`: where answers are heard. Permissions let a node hear nobody's but its own.
        """
        self._servers = random.sample(urls, len(urls))
        self._name = name
        self._inbox = inbox
        self._ca = ca
        self._spread_s = spread_s
        self._pause_s_max = pause_s_max
        self._client: Client | None = None
        self._settled_since: float | None = None
        #: replaced on each connect, for those who wait for the next
        self._news = asyncio.Event()
        self._subscriptions: dict[str, Hear] = {}
        self._listeners: list[Callable[[], None]] = []
        #: the deadlines of what is on its way; a lost link lets them all end
        self._deadlines: set[asyncio.Timeout] = set()
        self._complaints: dict[NatsServer, str] = {}

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    @property
    def settled_since(self) -> float | None:
        """Since when (monotonic seconds) the link stands; None while it doesn't."""
        return self._settled_since if self.is_connected else None

    @property
    def client(self) -> Client:
        """The client of now. Raises ConnectionClosedError without a link."""
        if self._client is None or not self._client.is_connected:
            raise ConnectionClosedError
        return self._client

    def jetstream(self, timeout_s: float = ANSWER_S) -> JetStreamContext:
        """A context over the client of now: keep it for one call, not for the next one."""
        return self.client.jetstream(timeout=timeout_s)

    def subscribe(self, subject: str, hear: Hear) -> None:
        """Hear what is said there, whenever the link stands. Only before `run`."""
        self._subscriptions[subject] = hear

    def on_connect(self, tell: Callable[[], None]) -> None:
        """Call `tell` whenever the link has come to stand, and every subscription with it.

        What was said while it was cut is never replayed: read again whatever was read before.
        """
        self._listeners.append(tell)

    async def clients(self) -> AsyncIterator[Client]:
        """For ever: the client of now, if there is one, and then that of each new connection."""
        known: Client | None = None
        while True:
            news = self._news
            if self.is_connected and self._client is not known:
                known = self.client
                yield known
            else:
                await news.wait()

    async def run(self) -> None:
        """Keep the link until cancelled."""
        failures = 0
        for server in itertools.cycle(self._servers):
            stood_s = await self._hold(server)
            failures = 0 if stood_s >= _STEADY_S else failures + 1
            pause_s = min(
                self._pause_s_max, _PAUSE_S * 2.0 ** min(failures // len(self._servers), 8)
            )
            await asyncio.sleep(pause_s + random.uniform(0, self._spread_s))  # noqa: S311

    @contextlib.asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[Client]:
        """Use the client of now for at most so long, and no longer than the link stands.

        Raises:
            ConnectionClosedError: there is no link, or it was lost meanwhile.
            TimeoutError: the time is over.
        """
        client = self.client
        try:
            async with asyncio.timeout(seconds) as deadline:
                self._deadlines.add(deadline)
                try:
                    yield client
                finally:
                    self._deadlines.discard(deadline)
        except TimeoutError:
            if client is not self._client:
                raise ConnectionClosedError from None
            raise

    async def request(
        self,
        subject: str,
        payload: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        within_s: float = ANSWER_S,
    ) -> Msg:
        """Ask, and give the answer.

        Raises one of NATS_ERRORS: at once without a link, as soon as the link is lost, or when the
        answer takes too long, which is also how a refused permission shows.
        """
        async with self.within(within_s) as client:
            return await client.request(
                subject,
                payload,
                # Ours ends first, and also when the link is lost.
                timeout=within_s * 2,
                headers=dict(headers) if headers else None,
            )

    async def publish(self, subject: str, payload: bytes) -> None:
        """Fire and forget; dropped without a link, when nats-py would keep it for later.

        Returns once it is queued; one that waits for a socket that is full ends with the link.
        """
        try:
            async with self.within(ANSWER_S) as client:
                await client.publish(subject, payload)
        except NATS_ERRORS:
            log.debug("a message was dropped: there is no link to NATS", subject=subject)

    async def _hold(self, server: NatsServer) -> float:
        """Connect, and return when the link is lost or can't be made: how long it stood (s)."""
        client, lost = Client(), asyncio.Event()

        async def closed() -> None:
            lost.set()

        async def complain(error: Exception) -> None:
            self._complain(server, error)

        began = None
        try:
            # One deadline for all: nats-py has one for each step, and tries a server twice.
            async with asyncio.timeout(_CONNECT_S):
                settings = self._settings(server)
                await client.connect(closed_cb=closed, error_cb=complain, **settings)
                for subject, hear in self._subscriptions.items():
                    await client.subscribe(subject, cb=hear)
                # The server has them before anybody is told to read: a change after that is heard.
                await client.flush()
            began = time.monotonic()
            self._client, self._settled_since = client, began
            self._complaints.clear()
            log.info("the link to NATS stands", server=str(server))
            self._tell()
            # Looked at as well, because nats-py tells only after it has drained its socket, and
            # the socket of a dead link drains in a quarter of an hour.
            while client.is_connected and not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await lost.wait()
            log.warning("the link to NATS is lost", server=str(server))
        except Exception as error:  # noqa: BLE001
            # Besides its own errors nats-py lets out whatever its parsing of a half-dead server
            # raises, and no server may bring a daemon down.
            self._complain(server, error)
        finally:
            self._client = self._settled_since = None
            self._end_requests()
            await client.leave(_CLOSE_S)
        return time.monotonic() - began if began else 0.0

    def _settings(self, server: NatsServer) -> dict[str, Any]:
        return {
            "servers": [server.url],
            "user": server.user if server.password is not None else None,
            "password": server.password,
            # A name alone is a token.
            "token": server.user if server.password is None else None,
            "tls": ssl.create_default_context(cafile=self._ca) if self._ca else None,
            "name": self._name,
            "inbox_prefix": self._inbox,
            "allow_reconnect": False,
            # The same server once more after it refused, then the attempt has failed.
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.2,
            "connect_timeout": _CONNECT_S,
            "ping_interval": _PING_S,
            "max_outstanding_pings": _PINGS_UNANSWERED_MAX,
        }

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
        for tell in self._listeners:
            try:
                tell()
            except Exception:
                # A listener's defect must not cost the link.
                log.exception("a listener of the NATS link failed")

    def _end_requests(self) -> None:
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(now)

    def _complain(self, server: NatsServer, error: Exception) -> None:
        """Log what is new: a server that stays away is tried every moment."""
        complaint = f"{type(error).__name__}: {error}"
        # It only says that the server was tried often enough; why it failed has been told before.
        if isinstance(error, NoServersError) or self._complaints.get(server) == complaint:
            return
        self._complaints[server] = complaint
        log.warning("trouble with NATS", server=str(server), error=complaint)
