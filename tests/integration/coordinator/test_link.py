"""The coordinator's connection, and what it publishes and asks over it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import nats
import pytest
from nats.aio.msg import Msg

from coordinator.bus.buckets import KvBucket
from coordinator.bus.node_requests import NatsNodeRequests
from coordinator.bus.publisher import QUEUE_MAX, Publisher
from coordinator.bus.stores import Stores
from coordinator.errors import BusUnavailable
from coordinator.nodes.collector import Collector
from daemon.nats_link import NatsLink
from schemas import subjects
from schemas.codec import decode, encode
from schemas.command import StartProject
from schemas.current import Heartbeat
from schemas.event import EventKind
from schemas.node_requests import SignalRequest
from schemas.records import NodeRecord
from schemas.reply import Reply
from schemas.states import EngineState
from tests.builders import a_status
from tests.contract.real_bus import RealServer, a_link, linked, running, until_connected
from tests.fakes.stores import a_store

pytestmark = pytest.mark.bus


@pytest.fixture
async def link(server: RealServer) -> AsyncIterator[NatsLink]:
    server.start()
    async with linked(server) as made:
        yield made


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_true():  # noqa: ASYNC110 - what is watched sets no event
            await asyncio.sleep(0.01)


async def stored(link: NatsLink, stream: str) -> int:
    return (await link.jetstream().stream_info(stream)).state.messages


async def insist(bucket: KvBucket) -> list[str]:
    """The bucket's keys. Right after its start a broker may not have its streams yet."""
    for _ in range(50):
        try:
            return list(await bucket.snapshot())
        except BusUnavailable:
            await asyncio.sleep(0.1)
    raise AssertionError("the broker has not come back")


class TestConnection:
    async def test_a_second_coordinator_finds_everything_made(
        self, link: NatsLink, server: RealServer
    ) -> None:
        bucket = KvBucket(link, subjects.NODES_BUCKET)
        await bucket.put("n1", NodeRecord(name="n1", index=1, joined="now"), 0)
        async with linked(server, "c2") as other:
            assert list(await KvBucket(other, subjects.NODES_BUCKET).snapshot()) == ["n1"]

    async def test_what_is_missing_is_made_on_every_connection(self, server: RealServer) -> None:
        link, found = a_link(server.url("coordinator")), asyncio.Event()
        stores = asyncio.create_task(Stores(link).keep(found.set))
        async with running(link):
            server.start()
            await found.wait()
            await link.jetstream().delete_key_value(subjects.NODES_BUCKET)
            found.clear()
            server.kill()
            await until(lambda: not link.is_connected)
            server.start()
            await found.wait()
            assert await KvBucket(link, subjects.NODES_BUCKET).snapshot() == {}
        stores.cancel()
        await asyncio.wait({stores})

    async def test_reads_end_with_the_link_and_not_with_their_time_out(
        self, link: NatsLink, server: RealServer
    ) -> None:
        server.pause()
        asking = asyncio.create_task(KvBucket(link, subjects.NODES_BUCKET).snapshot())
        await until(lambda: bool(link._deadlines))
        server.kill()
        began = time.monotonic()
        with pytest.raises(BusUnavailable):
            await asking
        assert time.monotonic() - began < 2

    async def test_what_was_read_and_deleted_before_a_restart_is_so_after_it(
        self, link: NatsLink, server: RealServer
    ) -> None:
        bucket = KvBucket(link, subjects.NODES_BUCKET)
        for index in (1, 2):
            record = NodeRecord(name=f"n{index}", index=index, joined="now")
            revision = await bucket.put(record.name, record, 0)
        await bucket.delete("n2", revision)
        server.kill()
        await until(lambda: not link.is_connected)
        server.start()
        await until(lambda: link.is_connected)
        assert await insist(bucket) == ["n1"]

    async def test_snapshots_leave_no_consumer_behind(self, link: NatsLink) -> None:
        bucket = KvBucket(link, subjects.NODES_BUCKET)
        for _ in range(20):
            await bucket.snapshot()
        stream = subjects.kv_stream(subjects.NODES_BUCKET)
        assert (await link.jetstream().stream_info(stream)).state.consumer_count == 0


class TestCollector:
    async def test_it_hears_statuses_and_reads_what_it_missed(
        self, link: NatsLink, server: RealServer
    ) -> None:
        store = a_store()
        status = KvBucket(link, subjects.STATUS_BUCKET)
        missed = a_status(1, sequence=1)
        revision = await status.put("n1", missed, 0)
        collector = Collector(store, status)
        beat = Heartbeat(node="n1", boot_id="boot-1", sequence=1, engine=EngineState.READY)
        work = asyncio.create_task(collector.run())
        own = a_link(server.url("coordinator"), "c2")
        collector.subscribe(own)
        async with running(own):
            await until_connected(lambda: own.is_connected)
            await link.publish(subjects.heartbeat("n1"), encode(beat))
            await until(lambda: "n1" in store.reports)
            assert store.reports["n1"] == missed
            revision = await status.put("n1", a_status(1, sequence=2), revision)
            await until(lambda: store.reports["n1"].sequence == 2)
            # Its subscriptions are those of the link, and not of one connection.
            server.kill()
            await until(lambda: not own.is_connected)
            server.start()
            await until(lambda: own.is_connected and link.is_connected)
            await insist(status)
            await status.put("n1", a_status(1, sequence=3), revision)
            await until(lambda: store.reports["n1"].sequence == 3)
        work.cancel()
        await asyncio.wait({work})


class TestPublisher:
    @pytest.fixture
    async def publisher(self, link: NatsLink) -> AsyncIterator[Publisher]:
        made = Publisher(link, "c1", lambda: 7)
        work = asyncio.create_task(made.run())
        yield made
        work.cancel()
        await asyncio.wait({work})

    async def test_events_and_audit_entries_reach_their_streams(
        self, link: NatsLink, publisher: Publisher
    ) -> None:
        publisher.tell(EventKind.NODE_JOINED, "n1 joined", node="n1")
        publisher.tell(EventKind.OPERATION_ENDED, "done")
        command = StartProject(command_id="c", name="shop")
        publisher.record(command, Reply(command_id="c", outcome="accepted"))
        await until(lambda: not publisher._queue)
        assert await stored(link, subjects.EVENTS_STREAM) == 2
        assert await stored(link, subjects.AUDIT_STREAM) == 1

    async def test_every_warning_of_a_template_is_an_event_and_part_of_the_audit_entry(
        self, link: NatsLink, publisher: Publisher
    ) -> None:
        command = StartProject(command_id="c", name="shop")
        told = ("services.web.name: one", "services.web.name: two")
        publisher.record(command, Reply(command_id="c", outcome="accepted", warnings=told))
        await until(lambda: not publisher._queue)
        assert await stored(link, subjects.EVENTS_STREAM) == 2
        assert await stored(link, subjects.AUDIT_STREAM) == 1

    async def test_what_is_too_large_holds_up_nothing_behind_it(
        self, link: NatsLink, publisher: Publisher
    ) -> None:
        publisher.tell(EventKind.NODE_JOINED, "x" * 9_000_000)
        publisher.tell(EventKind.NODE_JOINED, "small")
        await until(lambda: not publisher._queue)
        assert await stored(link, subjects.EVENTS_STREAM) == 1

    async def test_what_was_told_while_the_broker_was_away_is_published_later(
        self,
        link: NatsLink,
        publisher: Publisher,
        server: RealServer,
    ) -> None:
        server.kill()
        await until(lambda: not link.is_connected)
        publisher.tell(EventKind.NODE_JOINED, "n1 joined")
        server.start()
        await until(lambda: not publisher._queue)
        assert await stored(link, subjects.EVENTS_STREAM) >= 1

    async def test_of_too_many_the_oldest_are_dropped(self, link: NatsLink) -> None:
        publisher = Publisher(link, "c1", lambda: 7)
        for _ in range(QUEUE_MAX + 5):
            publisher.tell(EventKind.NODE_JOINED, "")
        assert len(publisher._queue) == QUEUE_MAX
        assert publisher._dropped == 5


async def hang_up(link: NatsLink, within_s: float = 10.0) -> str:
    deadline = datetime.now(UTC) + timedelta(seconds=within_s)
    return await NatsNodeRequests(link, lambda: 7).signal("n1", ("id1", "id2"), "HUP", deadline)


class TestNodeRequests:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (b"{}", ""),
            (b'{"error": "no such container"}', "no such container"),
            (b"{not json", "its answer can't be understood"),
            (b"[]", "its answer can't be understood"),
        ],
    )
    async def test_what_the_agent_says_is_what_went_wrong(
        self, link: NatsLink, answer: bytes, expected: str
    ) -> None:
        asked: list[SignalRequest] = []

        async def agent(message: Msg) -> None:
            asked.append(decode(SignalRequest, message.data))
            await message.respond(answer)

        await link.client.subscribe(subjects.node_request("n1", "signal"), cb=agent)
        assert await hang_up(link) == expected
        (request,) = asked
        assert (request.containers, request.signal) == (("id1", "id2"), "HUP")
        assert request.epoch == 7
        assert request.deadline > datetime.now(UTC)

    async def test_without_an_agent_it_says_so_at_once(self, link: NatsLink) -> None:
        assert await hang_up(link) == "its agent does not answer"

    async def test_an_agent_that_hangs_is_given_up_at_the_deadline(self, link: NatsLink) -> None:
        async def agent(_message: Msg) -> None:
            return None

        await link.client.subscribe(subjects.node_request("n1", "signal"), cb=agent)
        assert await hang_up(link, within_s=0.1) == "its agent has not answered in time"

    async def test_nothing_is_kept_for_a_link_that_is_away(
        self, link: NatsLink, server: RealServer
    ) -> None:
        server.kill()
        await until(lambda: not link.is_connected)
        assert await hang_up(link) == "NATS is in the way (ConnectionClosedError)"


async def test_who_may_only_send_commands_writes_no_record(
    link: NatsLink, server: RealServer
) -> None:
    operator = await nats.connect(server.url("operator"))
    key = subjects.kv_key(subjects.PROJECTS_BUCKET, "shop")
    with pytest.raises(nats.errors.TimeoutError):
        await operator.jetstream(timeout=0.5).publish(key, b"{}")
    await operator.close()
    assert await stored(link, subjects.kv_stream(subjects.PROJECTS_BUCKET)) == 0
