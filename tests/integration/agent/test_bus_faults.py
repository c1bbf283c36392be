"""`NatsBus` and a nats-server that is late, killed, hung, or refuses."""

import asyncio
import time

import pytest

from agent.adapters.bus import NatsBus
from agent.errors import BusUnavailable
from schemas import subjects
from schemas.codec import encode
from tests.contract.buses import an_event, current, desired
from tests.contract.engines import eventually
from tests.contract.real_bus import Coordinator, RealServer, until_connected

pytestmark = pytest.mark.bus


async def test_a_bus_starts_before_its_server(bus: NatsBus, server: RealServer) -> None:
    wakes: list[None] = []
    bus.on_hint(lambda: wakes.append(None))
    await asyncio.sleep(0.5)
    assert not bus.is_connected
    server.start()
    async with Coordinator(server) as coordinator:
        await coordinator.put_desired(desired(1))
        await until_connected(lambda: bus.is_connected, within_s=3)
        assert await bus.desired() == desired(1)
    assert wakes


async def test_a_change_right_after_a_killed_server_is_back_is_read_within_3_s(
    bus: NatsBus, coordinator: Coordinator, server: RealServer
) -> None:
    await coordinator.put_desired(desired(1))
    await until_connected(lambda: bus.is_connected)
    woken = asyncio.Event()
    bus.on_hint(woken.set)
    for generation in (2, 3):
        server.kill()
        server.start()
        began = time.monotonic()
        await coordinator.put_desired(desired(generation))
        seen = 0
        while seen != generation:
            await woken.wait()
            woken.clear()
            document = await bus.desired()
            seen = document.generation if document else 0
        assert time.monotonic() - began < 3


async def test_requests_end_with_the_link_and_not_with_their_time_out(
    bus: NatsBus, coordinator: Coordinator, server: RealServer
) -> None:
    await until_connected(lambda: bus.is_connected)
    server.pause()
    asking = asyncio.create_task(bus.desired())
    await eventually(lambda: bool(bus._link._deadlines))
    server.kill()
    began = time.monotonic()
    with pytest.raises(BusUnavailable):
        await asking
    assert time.monotonic() - began < 1


async def test_a_hung_server_is_bus_unavailable_within_the_deadline(
    bus: NatsBus, coordinator: Coordinator, server: RealServer
) -> None:
    await until_connected(lambda: bus.is_connected)
    server.pause()
    began = time.monotonic()
    with pytest.raises(BusUnavailable):
        await bus.put_status(current(1))
    assert time.monotonic() - began < 5
    server.resume()
    await bus.put_status(current(2))


async def test_a_node_reads_and_writes_nothing_of_another_node(
    coordinator: Coordinator, server: RealServer
) -> None:
    await coordinator.put_desired(desired(1, node="n2"))
    # The intruder has n1's password and claims to be n2.
    intruder = NatsBus(server.url("n1"), "n2")
    hints: list[None] = []
    intruder.on_hint(lambda: hints.append(None))
    link = asyncio.create_task(intruder.run())
    await until_connected(lambda: intruder.is_connected)
    hints.clear()
    await coordinator.put_desired(desired(2, node="n2"))
    refusals = await asyncio.gather(
        intruder.desired(), intruder.put_status(current(1)), return_exceptions=True
    )
    assert [type(refusal) for refusal in refusals] == [BusUnavailable] * 2
    link.cancel()
    await asyncio.wait({link})
    assert hints == []
    assert await coordinator.newest(subjects.kv_stream(subjects.STATUS_BUCKET)) == []


async def test_a_hint_of_a_write_that_was_refused_delays_one_read_only(
    bus: NatsBus, coordinator: Coordinator
) -> None:
    await coordinator.put_desired(desired(1))
    await until_connected(lambda: bus.is_connected)
    hinted = asyncio.Event()
    bus.on_hint(hinted.set)
    # Whoever listens hears it, and the stream does not take it.
    await coordinator.client.publish(
        subjects.kv_key(subjects.DESIRED_BUCKET, "n1"),
        encode(desired(9)),
        headers={"Nats-Expected-Last-Subject-Sequence": "4711"},
    )
    await hinted.wait()
    assert await bus.desired() == desired(1)
    began = time.monotonic()
    assert await bus.desired() == desired(1)
    assert time.monotonic() - began < 0.2


async def test_a_deleted_document_is_none(bus: NatsBus, coordinator: Coordinator) -> None:
    await coordinator.put_desired(desired(1))
    await coordinator.delete_desired("n1")
    await until_connected(lambda: bus.is_connected)
    assert await bus.desired() is None


async def test_an_event_that_is_sent_again_is_stored_once(
    bus: NatsBus, coordinator: Coordinator
) -> None:
    await until_connected(lambda: bus.is_connected)
    for _ in range(2):
        await bus.publish_event(an_event("same"))
    await bus.publish_event(an_event("other"))
    assert len(await coordinator.newest(subjects.EVENTS_STREAM)) == 2


async def test_a_defect_of_a_listener_or_an_answer_breaks_no_link(
    coordinator: Coordinator, server: RealServer
) -> None:
    bus = NatsBus(server.url("n1"), "n1")
    heard: list[None] = []

    def faulty() -> None:
        raise ZeroDivisionError

    async def faulty_answer(_payload: bytes) -> bytes:
        raise ZeroDivisionError

    bus.on_hint(faulty)
    bus.on_hint(lambda: heard.append(None))
    bus.on_request("faulty", faulty_answer)
    link = asyncio.create_task(bus.run())
    await until_connected(lambda: bus.is_connected)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await coordinator.ask("n1", "faulty", b"")
    heard.clear()
    await coordinator.put_desired(desired(1))
    await eventually(lambda: bool(heard))
    assert bus.is_connected
    link.cancel()
    await asyncio.wait({link})
