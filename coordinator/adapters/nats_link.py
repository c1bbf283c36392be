"""`NatsLink`: the coordinator's one connection, and what a disconnect means.

Reads and writes: everything else in `adapters` goes through it. It reconnects for ever. After every
reconnect each subscriber of `on_reconnect` reads again whatever it had read before: what passed
while the link was cut is never replayed to a core subscription.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType, StreamConfig

from coordinator.errors import BusUnavailable
from daemon.nats_client import Client
from schemas import subjects

log = structlog.get_logger()

#: An acknowledgement takes a millisecond; a cluster that has lost a leader needs 5 to 8 s.
REQUEST_TIMEOUT_S = 5.0
#: A dead link is noticed after 2 x 5 s; the library's own 4 minutes would be blindness.
PING_INTERVAL_S = 5
#: Events and audit entries: long enough for a post-mortem after a holiday.
HISTORY_S = 14 * 24 * 3600.0
HISTORY_BYTES_MAX = 512 * 1024 * 1024
#: A lease of an R1 bus; an R3 bus needs up to 8 s to elect a leader, so twice that.
LEASE_TTL_S = {1: 6.0, 3: 12.0}


@contextlib.asynccontextmanager
async def translated(doing: str) -> AsyncIterator[None]:
    """Turn the library's errors into ours. `doing` completes "can't ..."."""
    try:
        yield
    except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
        raise BusUnavailable(f"NATS: can't {doing}") from error


class NatsLink:
    """A connection that comes back by itself."""

    def __init__(self, url: str, name: str, replicas: int = 1) -> None:
        self._url = url
        self._name = name
        self._replicas = replicas
        self._client = Client()
        self._on_reconnect: list[Callable[[], None]] = []
        self._settled_since: float | None = None

    @property
    def client(self) -> Client:
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        return self._client.jetstream(timeout=REQUEST_TIMEOUT_S)

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected)

    @property
    def settled_since(self) -> float | None:
        """Since when (monotonic seconds) the link stands; None while it doesn't."""
        return self._settled_since if self.is_connected else None

    @property
    def lease_ttl_s(self) -> float:
        return LEASE_TTL_S.get(self._replicas, LEASE_TTL_S[3])

    def on_reconnect(self, wake: Callable[[], None]) -> None:
        """Call `wake` after every reconnect."""
        self._on_reconnect.append(wake)

    async def connect(self) -> None:
        """Wait for the broker as long as it takes, then make what is missing there."""
        delay_s = 0.2
        while True:
            try:
                await self._connect_once()
                await self._ensure()
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                log.warning("NATS is not there yet", url=self._url, error=str(error) or repr(error))
                with contextlib.suppress(nats.errors.Error, OSError):
                    await self._client.close()
                self._client = Client()
                await asyncio.sleep(delay_s)
                delay_s = min(5.0, delay_s * 2)
            else:
                self._settled_since = time.monotonic()
                return

    async def close(self) -> None:
        """Send what is queued and hang up."""
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(3.0):
                await self._client.drain()

    async def subscribe(
        self, subject: str, deliver: Callable[[str, bytes], Awaitable[None]]
    ) -> None:
        """A core subscription: `deliver` gets subjects and payloads.

        It survives reconnects, with a gap.
        """

        async def receive(message: Msg) -> None:
            await deliver(message.subject, message.data)

        async with translated(f"subscribe to {subject}"):
            await self._client.subscribe(subject, cb=receive)

    async def _connect_once(self) -> None:
        await self._client.connect(
            servers=[self._url],
            name=f"coordinator {self._name}",
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=1,
            connect_timeout=5,
            ping_interval=PING_INTERVAL_S,
            max_outstanding_pings=2,
            inbox_prefix=f"_INBOX.coordinator-{self._name}".encode(),
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )

    async def _failed(self, error: Exception) -> None:
        log.warning("NATS link", error=str(error) or repr(error))

    async def _disconnected(self) -> None:
        self._settled_since = None
        log.warning("NATS link lost", url=self._url)

    async def _reconnected(self) -> None:
        self._settled_since = time.monotonic()
        log.info("NATS link is back", url=self._url)
        for wake in self._on_reconnect:
            # An exception in this callback would stop the library from ever reconnecting again.
            try:
                wake()
            except Exception:
                log.exception("a reconnect listener failed")

    async def _ensure(self) -> None:
        """Make the buckets and streams of the bus contract. Existing ones are left as they are."""
        jetstream = self.jetstream
        for bucket in (
            subjects.PROJECTS_BUCKET,
            subjects.VOLUMES_BUCKET,
            subjects.NODES_BUCKET,
            subjects.DESIRED_BUCKET,
            subjects.STATUS_BUCKET,
            subjects.LEASE_BUCKET,
        ):
            ttl_s = self.lease_ttl_s if bucket == subjects.LEASE_BUCKET else None
            await self._ensure_bucket(jetstream, bucket, ttl_s)
        for stream, subject in (
            (subjects.EVENTS_STREAM, subjects.EVENTS_SUBJECTS),
            (subjects.AUDIT_STREAM, subjects.AUDIT_SUBJECTS),
        ):
            try:
                await jetstream.stream_info(stream)
            except nats.js.errors.NotFoundError:
                await jetstream.add_stream(
                    StreamConfig(
                        name=stream,
                        subjects=[subject],
                        max_age=HISTORY_S,
                        max_bytes=HISTORY_BYTES_MAX,
                        storage=StorageType.FILE,
                        num_replicas=self._replicas,
                        allow_direct=True,
                    )
                )

    async def _ensure_bucket(
        self, jetstream: JetStreamContext, bucket: str, ttl_s: float | None
    ) -> None:
        try:
            await jetstream.key_value(bucket)
        except nats.js.errors.BucketNotFoundError:
            # direct: the agents' one read is a direct get; the library leaves it off by default.
            await jetstream.create_key_value(
                KeyValueConfig(
                    bucket=bucket,
                    history=1,
                    ttl=ttl_s,
                    storage=StorageType.FILE,
                    replicas=self._replicas,
                    direct=True,
                )
            )
