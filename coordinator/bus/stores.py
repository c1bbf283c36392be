"""`Stores`: the buckets and streams of the bus contract, made where they are missing.

Reads: stream infos. Writes: streams that don't exist; existing ones are left as they are.
"""

import asyncio
from collections.abc import Callable

import structlog
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig, StorageType, StreamConfig
from nats.js.errors import BucketNotFoundError, NotFoundError

from coordinator.bus.asking import REQUEST_TIMEOUT_S, asking
from coordinator.errors import BusUnavailable
from daemon.nats_client import Client
from daemon.nats_link import NatsLink
from schemas import subjects

log = structlog.get_logger()

#: Events and audit entries: long enough for a post-mortem after a holiday.
HISTORY_S = 14 * 24 * 3600.0
HISTORY_BYTES_MAX = 512 * 1024 * 1024
#: A lease of an R1 bus; an R3 bus needs up to 8 s to elect a leader, so half again as much.
LEASE_TTL_S = {1: 6.0, 3: 12.0}
#: Making all of them on a cluster takes an election for each.
MAKING_S = 30.0
#: Three of the five seconds after which a router writes again.
ROUTER_TTL_S = 15.0
RETRY_S = 0.5

_BUCKETS = (
    subjects.PROJECTS_BUCKET,
    subjects.VOLUMES_BUCKET,
    subjects.NODES_BUCKET,
    subjects.REVISIONS_BUCKET,
    subjects.ROUTES_BUCKET,
    subjects.ROUTERS_BUCKET,
    subjects.DESIRED_BUCKET,
    subjects.STATUS_BUCKET,
    subjects.LEASE_BUCKET,
)
_STREAMS = (
    (subjects.EVENTS_STREAM, subjects.EVENTS_SUBJECTS),
    (subjects.AUDIT_STREAM, subjects.AUDIT_SUBJECTS),
)


class Stores:
    """What this coordinator needs the broker to keep."""

    def __init__(
        self, link: NatsLink, replicas: int = 1, is_missed: Callable[[], bool] = lambda: False
    ) -> None:
        """`is_missed` says whether buckets that aren't there have been lost, with what they had.

        They are not made anew then: an empty one would look as if nothing had ever been wanted.
        """
        self._link = link
        self._replicas = replicas
        self._is_missed = is_missed

    @property
    def lease_ttl_s(self) -> float:
        return LEASE_TTL_S.get(self._replicas, LEASE_TTL_S[3])

    async def keep(self, found: Callable[[], None]) -> None:
        """For ever: look after them on every connection, then call `found`."""
        async for client in self._link.clients():
            if await self._insist(client):
                found()

    async def ensure(self) -> None:
        """Make what is missing. Raises BusUnavailable."""
        async with asking(self._link, "make the buckets and streams", MAKING_S) as client:
            jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
            for bucket in () if self._is_missed() else _BUCKETS:
                await self._ensure_bucket(jetstream, bucket)
            for stream, subject in _STREAMS:
                await self._ensure_stream(jetstream, stream, subject)

    async def _insist(self, client: Client) -> bool:
        """Try until it works or the connection is lost: whether it worked."""
        complaint = ""
        while client.is_connected:
            try:
                await self.ensure()
            except BusUnavailable as error:
                why = str(error.__cause__) or repr(error.__cause__)
                if why != complaint:
                    complaint = why
                    log.warning("the bus can't store yet", error=why)
                await asyncio.sleep(RETRY_S)
            else:
                return True
        return False

    def _ttl_s(self, bucket: str) -> float | None:
        """How long a key lives that is not renewed; None: for ever."""
        return {
            subjects.LEASE_BUCKET: self.lease_ttl_s,
            subjects.ROUTERS_BUCKET: ROUTER_TTL_S,
        }.get(bucket)

    async def _ensure_bucket(self, jetstream: JetStreamContext, bucket: str) -> None:
        try:
            await jetstream.key_value(bucket)
        except BucketNotFoundError:
            # direct: the agents' one read is a direct get; the library leaves it off by default.
            await jetstream.create_key_value(
                KeyValueConfig(
                    bucket=bucket,
                    history=1,
                    ttl=self._ttl_s(bucket),
                    storage=StorageType.FILE,
                    replicas=self._replicas,
                    direct=True,
                )
            )

    async def _ensure_stream(self, jetstream: JetStreamContext, stream: str, subject: str) -> None:
        try:
            await jetstream.stream_info(stream)
        except NotFoundError:
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
