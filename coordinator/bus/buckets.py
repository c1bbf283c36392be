"""`KvBucket`: one key-value bucket with compare-and-set, over `NatsLink`.

Reads: every key, by batched direct gets (`snapshot`). Writes: one key at a revision.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.kv import KeyValue
from pydantic import BaseModel

from coordinator.bus.asking import REQUEST_TIMEOUT_S, asking
from coordinator.errors import BusUnavailable, RevisionConflict, TooLarge
from daemon.nats_client import Client, cancellation_kept
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import encode

SNAPSHOT_TIMEOUT_S = 20.0
#: Messages per request: a thousand nodes in four round trips, and a bounded burst.
BATCH = 256


def _always() -> None:
    """No fence: everybody may write."""


class KvBucket:
    """Implements `coordinator.ports.Bucket`.

    A snapshot needs no consumer: a broker keeps an abandoned one for minutes, and a standby that
    reads every second would soon have used up all it may have.
    """

    def __init__(self, link: NatsLink, name: str, fence: Callable[[], None] = _always) -> None:
        """`fence` is called before every write, and raises when this process may not write."""
        self._link = link
        self._name = name
        self._fence = fence

    async def snapshot(self, at_least: int = 0) -> Mapping[str, tuple[bytes, int]]:
        async with asking(self._link, f"read all of {self._name}", SNAPSHOT_TIMEOUT_S) as client:
            inbox = client.new_inbox()
            answers = await client.subscribe(inbox)
            try:
                found, reached = await self._read_all(client, inbox, answers)
            finally:
                # Of a connection that is gone nothing is left to end.
                with contextlib.suppress(nats.errors.Error):
                    await answers.unsubscribe()
            # The newest entry, a marker too, is always there, unless somebody has purged it.
            if reached < at_least and reached < await self._newest_kept(client):
                raise BusUnavailable(
                    f"NATS: a copy of {self._name} is at {reached}, not at {at_least} yet"
                )
            return found

    async def get(self, key: str) -> tuple[bytes, int] | None:
        async with asking(self._link, f"read {self._name}/{key}") as client:
            subject = subjects.direct_get(self._name, key)
            message = await client.request(subject, b"", timeout=REQUEST_TIMEOUT_S * 2)
        headers = message.headers or {}
        status = headers.get("Status")
        if status == "404" or "KV-Operation" in headers or "Nats-Marker-Reason" in headers:
            return None
        if status is not None:
            raise BusUnavailable(f"NATS: a direct get ended with status {status}")
        return message.data, int(headers["Nats-Sequence"])

    async def newest(self) -> int:
        async with asking(self._link, f"look at {self._name}") as client:
            jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
            try:
                # The stream's leader answers; a direct get may come from a copy that lags behind.
                info = await jetstream.stream_info(subjects.kv_stream(self._name))
            except nats.js.errors.NotFoundError:
                return 0
            return info.state.last_seq

    async def _newest_kept(self, client: Client) -> int:
        """The sequence of the newest entry that is still there, as the stream's leader has it."""
        jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
        stream, every_key = subjects.kv_stream(self._name), subjects.kv_key(self._name, ">")
        try:
            return (await jetstream.get_last_msg(stream, every_key)).seq or 0
        except nats.js.errors.NotFoundError:
            return 0

    async def rise_above(self, revision: int) -> None:
        """Let every later revision be higher than this one; what the bucket holds is forgotten.

        Does nothing when the bucket is beyond it already.
        """
        if await self.newest() >= revision:
            return
        async with asking(self._link, f"let {self._name} begin at {revision + 1}") as client:
            jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
            # A purge up to a sequence that is still to come makes it the next one.
            await jetstream.purge_stream(subjects.kv_stream(self._name), seq=revision + 1)

    async def put(self, key: str, value: BaseModel, revision: int) -> int:
        async with asking(self._link, f"write {self._name}/{key}") as client:
            bucket = self._open(client)
            self._fence()
            try:
                if revision == 0:
                    # Unlike a plain update, this also succeeds where a deleted key left a marker.
                    return int(await bucket.create(key, encode(value)))
                return int(await bucket.update(key, encode(value), last=revision))
            except nats.js.errors.KeyWrongLastSequenceError as error:
                raise RevisionConflict(f"{self._name}/{key} has moved on") from error
            except nats.errors.MaxPayloadError as error:
                raise TooLarge(f"{self._name}/{key} is larger than NATS takes") from error

    async def delete(self, key: str, revision: int) -> None:
        async with asking(self._link, f"delete {self._name}/{key}") as client:
            bucket = self._open(client)
            self._fence()
            try:
                await bucket.delete(key, last=revision)
            except nats.js.errors.APIError as error:
                # 10071: wrong last sequence; 10164: the same, as newer servers say it
                if error.err_code not in {10071, 10164}:
                    raise
                raise RevisionConflict(f"{self._name}/{key} has moved on") from error

    async def keys(self, first: str) -> Collection[str]:
        below = subjects.kv_key(self._name, f"{first}.>")
        async with asking(self._link, f"list {self._name}/{first}") as client:
            jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
            try:
                stream = subjects.kv_stream(self._name)
                info = await jetstream.stream_info(stream, subjects_filter=below)
            except nats.js.errors.NotFoundError:
                return ()
        prefix = len(subjects.kv_key(self._name, ""))
        return sorted(subject[prefix:] for subject in info.state.subjects or ())

    async def purge(self, key: str) -> None:
        async with asking(self._link, f"purge {self._name}/{key}") as client:
            jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_S)
            self._fence()
            subject = subjects.kv_key(self._name, key)
            await jetstream.purge_stream(subjects.kv_stream(self._name), subject=subject)

    def _open(self, client: Client) -> KeyValue:
        """Without a look whether it is there: a write to a bucket that isn't says so itself."""
        return KeyValue(
            name=self._name,
            stream=subjects.kv_stream(self._name),
            pre=subjects.kv_key(self._name, ""),
            js=client.jetstream(timeout=REQUEST_TIMEOUT_S),
            direct=True,
        )

    async def _read_all(
        self, client: Client, inbox: str, answers: Subscription
    ) -> tuple[dict[str, tuple[bytes, int]], int]:
        """Walk the bucket from its oldest entry to its newest, whose sequence comes with them.

        A key written meanwhile moves ahead of us to the end: it is read there, perhaps again.
        """
        subject = subjects.kv_key(self._name, ">")
        prefix = len(subjects.kv_key(self._name, ""))
        found: dict[str, tuple[bytes, int]] = {}
        sequence, more = 1, True
        while more:
            request = {"seq": sequence, "next_by_subj": subject, "batch": BATCH}
            await client.publish(
                f"$JS.API.DIRECT.GET.{subjects.kv_stream(self._name)}",
                json.dumps(request).encode(),
                reply=inbox,
            )
            more = False
            async for message in _until_end(answers):
                headers = message.headers or {}
                if "Status" in headers:
                    more = int(headers.get("Nats-Num-Pending", 0)) > 0
                    continue
                revision = int(headers["Nats-Sequence"])
                key = headers["Nats-Subject"][prefix:]
                if "KV-Operation" in headers or "Nats-Marker-Reason" in headers:
                    found.pop(key, None)
                else:
                    found[key] = (message.data, revision)
                sequence = revision + 1
        return found, sequence - 1


async def _until_end(answers: Subscription) -> AsyncIterator[Msg]:
    """The messages of one batch, with the status that ends it."""
    while True:
        with cancellation_kept():
            message = await answers.next_msg(timeout=REQUEST_TIMEOUT_S)
        status = (message.headers or {}).get("Status")
        if status not in {None, "204", "404"}:
            raise BusUnavailable(f"NATS: a direct get ended with status {status}")
        yield message
        if status is not None:
            return
