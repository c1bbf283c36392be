"""What every `Bus` promises to an agent."""

import asyncio

import pytest

from agent.errors import BusUnavailable
from schemas.codec import SchemaError, encode
from tests.contract.buses import BusTrial, a_heartbeat, an_event, current, desired
from tests.contract.engines import eventually


async def test_a_node_that_was_never_told_anything_has_no_document(bus_trial: BusTrial) -> None:
    assert await bus_trial.bus.desired() is None


async def test_the_newest_document_is_read(bus_trial: BusTrial) -> None:
    for generation in (1, 2):
        await bus_trial.put_desired(desired(generation))
    assert await bus_trial.bus.desired() == desired(2)


@pytest.mark.parametrize("payload", [b"{not json", b"[]", b'{"node": "n1", "epoch": -1}'])
async def test_what_is_no_document_is_said_to_be_none_and_gives_way_to_one(
    bus_trial: BusTrial, payload: bytes
) -> None:
    await bus_trial.put_raw(payload)
    with pytest.raises(SchemaError):
        await bus_trial.bus.desired()
    await bus_trial.put_desired(desired(1))
    assert await bus_trial.bus.desired() == desired(1)


async def test_a_document_of_another_node_is_handed_over_as_it_is(bus_trial: BusTrial) -> None:
    foreign = desired(1, node="n2")
    await bus_trial.put_raw(encode(foreign))
    assert await bus_trial.bus.desired() == foreign


async def test_a_new_document_wakes_every_listener(bus_trial: BusTrial) -> None:
    wakes: list[str] = []
    bus_trial.bus.on_hint(lambda: wakes.append("one"))
    bus_trial.bus.on_hint(lambda: wakes.append("other"))
    await bus_trial.put_desired(desired(1))
    await eventually(lambda: set(wakes) == {"one", "other"})


async def test_a_read_right_after_a_hint_is_not_older_than_the_hint(bus_trial: BusTrial) -> None:
    woken = asyncio.Event()
    bus_trial.bus.on_hint(woken.set)
    for generation in range(1, 31):
        woken.clear()
        writing = asyncio.create_task(bus_trial.put_desired(desired(generation)))
        await woken.wait()
        assert await bus_trial.bus.desired() == desired(generation)
        await writing


async def test_a_status_is_stored(bus_trial: BusTrial) -> None:
    for sequence in (1, 2):
        await bus_trial.bus.put_status(current(sequence))
    assert await bus_trial.status() == current(2)


async def test_an_event_is_stored(bus_trial: BusTrial) -> None:
    await bus_trial.bus.publish_event(an_event())
    assert await bus_trial.events() == [an_event()]


async def test_a_heartbeat_arrives(bus_trial: BusTrial) -> None:
    await bus_trial.bus.heartbeat(a_heartbeat(1))
    await eventually(lambda: bus_trial.heartbeats() == [a_heartbeat(1)])


async def test_a_request_is_answered(bus_trial: BusTrial) -> None:
    assert await bus_trial.request("echo", b"hello") == b"answer to hello"


async def test_a_slow_answer_holds_up_nobody(bus_trial: BusTrial) -> None:
    async with asyncio.timeout(5):
        slow, hurry = await asyncio.gather(
            bus_trial.request("slow", b""), bus_trial.request("hurry", b"")
        )
    assert (slow, hurry) == (b"at last", b"it may end")


async def test_without_a_server_calls_say_so_at_once_and_heartbeats_are_dropped(
    bus_trial: BusTrial,
) -> None:
    assert bus_trial.bus.is_connected
    await bus_trial.cut()
    await eventually(lambda: not bus_trial.bus.is_connected)
    for call in (
        bus_trial.bus.desired(),
        bus_trial.bus.put_status(current(1)),
        bus_trial.bus.publish_event(an_event()),
    ):
        async with asyncio.timeout(0.5):
            with pytest.raises(BusUnavailable):
                await call
    await bus_trial.bus.heartbeat(a_heartbeat(1))
    assert bus_trial.heartbeats() == []


async def test_every_listener_is_woken_when_the_server_is_back(bus_trial: BusTrial) -> None:
    await bus_trial.put_desired(desired(1))
    wakes: list[None] = []
    bus_trial.bus.on_hint(lambda: wakes.append(None))
    await bus_trial.cut()
    await eventually(lambda: not bus_trial.bus.is_connected)
    wakes.clear()
    await bus_trial.heal()
    await eventually(lambda: bool(wakes) and bus_trial.bus.is_connected)
    assert await bus_trial.bus.desired() == desired(1)
