"""What every `coordinator.ports.Bucket` promises; on the fake, and on a real nats-server."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coordinator.bus.buckets import BATCH, KvBucket
from coordinator.errors import BusUnavailable, RevisionConflict
from coordinator.ports import Bucket
from daemon.nats_client import Client
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import decode
from schemas.errors import InvalidInput
from schemas.records import NodeRecord
from tests.contract.real_bus import RealServer, linked
from tests.fakes.buckets import FakeBucket


@dataclass(frozen=True)
class BucketTrial:
    bucket: Bucket
    #: makes the broker go away
    cut: Callable[[], None]
    #: lets a copy answer snapshots that hears of nothing from now on
    lag: Callable[[], Awaitable[None]]
    #: takes away a key without a mark
    purge: Callable[[str], Awaitable[None]]


def over_memory() -> BucketTrial:
    fake = FakeBucket()

    async def lag() -> None:
        fake.copy = copy.deepcopy(fake)

    async def purge(key: str) -> None:
        fake.lose_key(key)

    return BucketTrial(fake, lambda: setattr(fake, "is_down", True), lag, purge)


def over_nats(server: RealServer, link: NatsLink, monkeypatch: pytest.MonkeyPatch) -> BucketTrial:
    bucket = KvBucket(link, subjects.NODES_BUCKET)
    read_all = KvBucket._read_all
    said: list[tuple[dict[str, tuple[bytes, int]], int]] = []

    async def listen(
        self: KvBucket, client: Client, *more: Any
    ) -> tuple[dict[str, tuple[bytes, int]], int]:
        said.append(await read_all(self, client, *more))
        return said[0]

    async def lag() -> None:
        monkeypatch.setattr(KvBucket, "_read_all", listen)
        await bucket.snapshot()

    async def purge(key: str) -> None:
        async with link.within(5.0) as client:
            await client.jetstream().purge_stream(
                subjects.kv_stream(subjects.NODES_BUCKET),
                subject=subjects.kv_key(subjects.NODES_BUCKET, key),
            )

    return BucketTrial(bucket, server.kill, lag, purge)


@pytest.fixture(params=["fake", pytest.param("nats-server", marks=pytest.mark.bus)])
async def bucket_trial(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[BucketTrial]:
    if request.param == "fake":
        yield over_memory()
        return
    server = RealServer(tmp_path / "nats")
    server.start()
    try:
        async with linked(server) as link:
            yield over_nats(server, link, monkeypatch)
    finally:
        server.stop()


@pytest.fixture
def bucket(bucket_trial: BucketTrial) -> Bucket:
    return bucket_trial.bucket


def a_record(name: str = "n1", index: int = 1) -> NodeRecord:
    return NodeRecord(name=name, index=index, joined="2026-11-23T00:00:00Z")


async def contents(bucket: Bucket) -> dict[str, tuple[int, int]]:
    """Index and revision by key."""
    found = await bucket.snapshot()
    return {key: (decode(NodeRecord, value).index, at) for key, (value, at) in found.items()}


async def test_an_empty_bucket_has_an_empty_snapshot(bucket: Bucket) -> None:
    assert await contents(bucket) == {}


async def test_a_snapshot_has_every_key_with_its_newest_value_and_revision(bucket: Bucket) -> None:
    first = await bucket.put("n1", a_record(index=1), 0)
    other = await bucket.put("n2", a_record("n2", 2), 0)
    second = await bucket.put("n1", a_record(index=9), first)
    assert first < other < second
    assert await contents(bucket) == {"n1": (9, second), "n2": (2, other)}


async def test_a_snapshot_of_more_keys_than_one_batch_is_whole(bucket: Bucket) -> None:
    count = BATCH * 2 + 1
    for index in range(1, count + 1):
        await bucket.put(f"n{index}", a_record(f"n{index}", index), 0)
    assert len(await bucket.snapshot()) == count


async def test_a_snapshot_beside_a_busy_writer_misses_no_key(bucket: Bucket) -> None:
    revisions = {name: await bucket.put(name, a_record(name), 0) for name in ("n1", "n2", "n3")}

    async def write() -> None:
        while True:
            for name, revision in revisions.items():
                revisions[name] = await bucket.put(name, a_record(name), revision)

    writer = asyncio.create_task(write())
    try:
        for _ in range(100):
            assert len(await bucket.snapshot()) == 3
    finally:
        writer.cancel()
        await asyncio.wait({writer})


@pytest.mark.parametrize("what", ["a write", "a deletion"])
async def test_a_copy_that_lags_behind_is_not_taken_for_the_bucket(
    bucket_trial: BucketTrial, what: str
) -> None:
    bucket = bucket_trial.bucket
    first = await bucket.put("n1", a_record(), 0)
    await bucket_trial.lag()
    if what == "a write":
        await bucket.put("n2", a_record("n2"), 0)
    else:
        await bucket.delete("n1", first)
    with pytest.raises(BusUnavailable):
        await bucket.snapshot(await bucket.newest())
    assert list(await bucket.snapshot(first)) == ["n1"]


async def test_a_bucket_whose_newest_entries_are_purged_can_be_read(
    bucket_trial: BucketTrial,
) -> None:
    bucket = bucket_trial.bucket
    for name in ("n1", "n2"):
        await bucket.put(name, a_record(name), 0)
    newest = await bucket.newest()
    await bucket_trial.purge("n2")
    assert await bucket.newest() == newest
    assert list(await bucket.snapshot(newest)) == ["n1"]
    await bucket_trial.purge("n1")
    assert list(await bucket.snapshot(newest)) == []


async def test_a_write_over_an_old_revision_is_refused(bucket: Bucket) -> None:
    first = await bucket.put("n1", a_record(index=1), 0)
    second = await bucket.put("n1", a_record(index=2), first)
    with pytest.raises(RevisionConflict):
        await bucket.put("n1", a_record(index=3), first)
    assert await contents(bucket) == {"n1": (2, second)}


async def test_a_write_over_something_that_must_not_exist_is_refused(bucket: Bucket) -> None:
    await bucket.put("n1", a_record(), 0)
    with pytest.raises(RevisionConflict):
        await bucket.put("n1", a_record(), 0)


async def test_an_update_of_nothing_is_refused(bucket: Bucket) -> None:
    with pytest.raises(RevisionConflict):
        await bucket.put("n1", a_record(), 7)


async def test_of_two_writers_at_once_one_wins(bucket: Bucket) -> None:
    first = await bucket.put("n1", a_record(), 0)
    results = await asyncio.gather(
        *(bucket.put("n1", a_record(index=index), first) for index in (2, 3)),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(RevisionConflict) == 1


async def test_what_is_deleted_is_not_in_the_snapshot_and_can_be_made_again(bucket: Bucket) -> None:
    first = await bucket.put("n1", a_record(index=1), 0)
    await bucket.put("n2", a_record("n2"), 0)
    await bucket.delete("n1", first)
    assert list(await bucket.snapshot()) == ["n2"]
    again = await bucket.put("n1", a_record(index=2), 0)
    assert again > first
    assert (await contents(bucket))["n1"] == (2, again)


async def test_a_bucket_whose_keys_are_all_deleted_has_an_empty_snapshot(bucket: Bucket) -> None:
    await bucket.delete("n1", await bucket.put("n1", a_record(), 0))
    assert await contents(bucket) == {}


async def test_a_deletion_over_an_old_revision_is_refused(bucket: Bucket) -> None:
    first = await bucket.put("n1", a_record(index=1), 0)
    second = await bucket.put("n1", a_record(index=2), first)
    with pytest.raises(RevisionConflict):
        await bucket.delete("n1", first)
    assert await contents(bucket) == {"n1": (2, second)}


async def test_one_key_is_read_as_the_snapshot_has_it(bucket: Bucket) -> None:
    assert await bucket.get("n1") is None
    first = await bucket.put("n1", a_record(index=1), 0)
    await bucket.put("n2", a_record("n2"), 0)
    second = await bucket.put("n1", a_record(index=9), first)
    assert await bucket.get("n1") == (await bucket.snapshot())["n1"]
    await bucket.delete("n1", second)
    assert await bucket.get("n1") is None


async def test_keys_below_a_token_are_listed_and_purged_ones_leave_no_mark(bucket: Bucket) -> None:
    assert list(await bucket.keys("shop")) == []
    for name in ("shop.1", "shop.2.a", "shop2.1", "shop"):
        await bucket.put(name, a_record(), 0)
    assert list(await bucket.keys("shop")) == ["shop.1", "shop.2.a"]
    await bucket.purge("shop.1")
    await bucket.purge("shop.1")
    assert list(await bucket.keys("shop")) == ["shop.2.a"]
    assert await bucket.get("shop.1") is None
    await bucket.put("shop.1", a_record(), 0)
    assert sorted(await bucket.snapshot()) == ["shop", "shop.1", "shop.2.a", "shop2.1"]


async def test_the_newest_sequence_counts_deletions_too(bucket: Bucket) -> None:
    assert await bucket.newest() == 0
    await bucket.put("n1", a_record(), 0)
    second = await bucket.put("n2", a_record("n2"), 0)
    assert await bucket.newest() == second
    await bucket.delete("n2", second)
    assert await bucket.newest() == second + 1


async def test_a_value_larger_than_the_broker_takes_is_the_callers_fault(bucket: Bucket) -> None:
    with pytest.raises(InvalidInput):
        await bucket.put("n1", NodeRecord(name="n1", index=1, joined="x" * 9_000_000), 0)


async def test_without_a_broker_reads_and_writes_say_so(bucket_trial: BucketTrial) -> None:
    first = await bucket_trial.bucket.put("n1", a_record(), 0)
    bucket_trial.cut()
    with pytest.raises(BusUnavailable):
        await bucket_trial.bucket.put("n1", a_record(index=2), first)
    with pytest.raises(BusUnavailable):
        await bucket_trial.bucket.snapshot()
    with pytest.raises(BusUnavailable):
        await bucket_trial.bucket.get("n1")
    with pytest.raises(BusUnavailable):
        await bucket_trial.bucket.newest()
