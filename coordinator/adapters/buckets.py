"""`KvBucket`: one key-value bucket with compare-and-set, over `NatsLink`.

Reads: every key, by a short-lived ordered consumer (`snapshot`). Writes: one key at a revision.
"""

import asyncio
from collections.abc import Mapping

import nats.js.errors
from nats.js.kv import KeyValue
from pydantic import BaseModel

from coordinator.adapters.nats_link import NatsLink, translated
from coordinator.errors import BusUnavailable, RevisionConflict
from schemas.codec import encode

SNAPSHOT_TIMEOUT_S = 20.0


class KvBucket:
    """Implements `coordinator.ports.Bucket`."""

    def __init__(self, link: NatsLink, name: str) -> None:
        self._link = link
        self._name = name
        self._bucket: KeyValue | None = None

    async def snapshot(self) -> Mapping[str, tuple[bytes, int]]:
        doing = f"read all of {self._name}"
        async with translated(doing):
            bucket = await self._open()
            watcher = await bucket.watchall(ignore_deletes=True)
            try:
                return await asyncio.wait_for(self._drain(watcher, doing), SNAPSHOT_TIMEOUT_S)
            finally:
                await watcher.stop()  # type: ignore[no-untyped-call]

    async def put(self, key: str, value: BaseModel, revision: int) -> int:
        async with translated(f"write {self._name}/{key}"):
            bucket = await self._open()
            try:
                if revision == 0:
                    # Unlike a plain update, this also succeeds where a deleted key left a marker.
                    return int(await bucket.create(key, encode(value)))
                return int(await bucket.update(key, encode(value), last=revision))
            except nats.js.errors.KeyWrongLastSequenceError as error:
                raise RevisionConflict(f"{self._name}/{key} has moved on") from error

    async def delete(self, key: str, revision: int) -> None:
        async with translated(f"delete {self._name}/{key}"):
            bucket = await self._open()
            try:
                await bucket.delete(key, last=revision)
            except nats.js.errors.APIError as error:
                # 10071: wrong last sequence
                if error.err_code != 10071:
                    raise
                raise RevisionConflict(f"{self._name}/{key} has moved on") from error

    async def _open(self) -> KeyValue:
        if self._bucket is None:
            self._bucket = await self._link.jetstream.key_value(self._name)
        return self._bucket

    async def _drain(
        self, watcher: KeyValue.KeyWatcher, doing: str
    ) -> dict[str, tuple[bytes, int]]:
        found: dict[str, tuple[bytes, int]] = {}
        while True:
            entry = await watcher.updates(  # type: ignore[no-untyped-call]
                timeout=SNAPSHOT_TIMEOUT_S
            )
            # The library says "that was all" with None, before any live update.
            if entry is None:
                return found
            if entry.revision is None:
                raise BusUnavailable(f"NATS: can't {doing}: an entry has no revision")
            found[entry.key] = (entry.value or b"", entry.revision)
