"""What every `EngineEvents` promises."""

import asyncio
from collections.abc import AsyncIterator

from agent.ports import EngineEvent
from schemas.names import SlotKey
from tests.contract.engines import STUBBORN, Trial, create, run


async def until(stream: AsyncIterator[EngineEvent], action: str) -> list[EngineEvent]:
    heard: list[EngineEvent] = []
    async with asyncio.timeout(10):
        async for event in stream:
            heard.append(event)
            if event.action == action:
                break
    return heard


async def test_events_tell_what_happens_to_our_containers(trial: Trial) -> None:
    async with trial.events.subscribe() as stream:
        container_id = await run(trial.engine, STUBBORN)
        await trial.die(container_id)
        heard = await until(stream, "die")
    assert [event.action for event in heard if event.action != "kill"] == ["create", "start", "die"]
    assert {event.container_id for event in heard} == {container_id}
    assert {event.key for event in heard} == {SlotKey("shop", "web", 1)}
    assert {event.attributes["name"] for event in heard} == {"shop_web_1"}
    assert [event.at for event in heard] == sorted(event.at for event in heard)


async def test_an_event_right_after_the_subscription_is_not_missed(trial: Trial) -> None:
    for slot in range(1, 6):
        async with trial.events.subscribe() as stream:
            await create(trial.engine, STUBBORN, slot=slot)
            (heard,) = await until(stream, "create")
        assert heard.key == SlotKey("shop", "web", slot)


async def test_events_of_others_and_from_before_are_not_told(trial: Trial) -> None:
    await create(trial.engine, STUBBORN, slot=1)
    async with trial.events.subscribe() as stream:
        await trial.hold_name("somebody-elses")
        second = await create(trial.engine, STUBBORN, slot=2)
        (heard,) = await until(stream, "create")
    assert heard.container_id == second


async def test_two_subscribers_hear_the_same(trial: Trial) -> None:
    async with trial.events.subscribe() as one, trial.events.subscribe() as other:
        await create(trial.engine, STUBBORN)
        assert await until(one, "create") == await until(other, "create")


async def test_a_subscriber_that_waits_can_be_cancelled_at_once(trial: Trial) -> None:
    entered = asyncio.Event()

    async def listen() -> None:
        async with trial.events.subscribe() as stream:
            entered.set()
            async for _ in stream:
                continue

    task = asyncio.create_task(listen())
    await entered.wait()
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1)
    assert done
    assert task.cancelled()
