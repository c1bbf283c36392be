"""The newest status wins, and nothing that was said is lost without a word."""

import asyncio

from agent.domain.observation import Observation
from agent.domain.plan import Plan
from agent.domain.status import EngineView, Identity
from agent.reporter import EVENTS_MAX, Reporter
from schemas.current import EngineCurrent
from schemas.states import EngineState
from tests.fakes.bus import FakeBus
from tests.fakes.clock import wall_clock
from tests.unit.agent.seen import a_container, mounted

ENGINE = EngineView(EngineCurrent(state=EngineState.READY))


class Desk:
    """A reporter and what it says with `count` containers on the node."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        self.reporter = Reporter(Identity("n1", "b1", "0", "10.0.0.1"), self.bus, wall_clock)

    def say(self, count: int, *, is_resync: bool = False, answered_at: str = "") -> None:
        seen = tuple(a_container(slot=n + 1) for n in range(count))
        observed = Observation(wall_clock(), seen, mounts=mounted(answered_at=answered_at))
        self.reporter.report(ENGINE, None, observed, Plan(), is_resync=is_resync)


async def run_for(desk: Desk, seconds: float) -> None:
    tasks = [
        asyncio.create_task(work)
        for work in (
            desk.reporter.send_statuses(),
            desk.reporter.send_events(),
            desk.reporter.send_heartbeats(),
        )
    ]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_of_a_burst_only_the_newest_is_sent() -> None:
    desk = Desk()
    for count in range(10):
        desk.say(count)
    await run_for(desk, 1)
    assert [len(status.containers) for status in desk.bus.statuses] == [9]
    assert desk.bus.statuses[0].sequence == 10


async def test_no_news_is_not_sent_except_on_a_resync() -> None:
    desk = Desk()
    desk.say(1)
    await run_for(desk, 1)
    desk.say(1)
    await run_for(desk, 1)
    assert len(desk.bus.statuses) == 1
    desk.say(1, is_resync=True)
    await run_for(desk, 1)
    assert [status.sequence for status in desk.bus.statuses] == [1, 2]


async def test_that_a_volume_answered_again_is_told_with_the_next_news() -> None:
    desk = Desk()
    desk.say(1, answered_at="10:00")
    await run_for(desk, 1)
    desk.say(1, answered_at="10:01")
    await run_for(desk, 1)
    assert len(desk.bus.statuses) == 1
    desk.say(2, answered_at="10:02")
    await run_for(desk, 1)
    assert [status.mounts[0].answered_at for status in desk.bus.statuses] == ["10:00", "10:02"]


async def test_a_status_is_sent_again_until_it_is_acknowledged() -> None:
    desk = Desk()
    desk.bus.is_down = True
    desk.say(1)
    await run_for(desk, 5)
    desk.say(2)
    desk.bus.is_down = False
    await run_for(desk, 1)
    assert [len(status.containers) for status in desk.bus.statuses] == [2]


async def test_heartbeats_name_the_newest_status_that_the_bus_has() -> None:
    desk = Desk()
    desk.say(1)
    await run_for(desk, 10.5)
    assert 5 <= len(desk.bus.heartbeats) <= 6
    assert desk.bus.heartbeats[-1].sequence == 1


async def test_events_wait_for_the_bus_in_their_order() -> None:
    desk = Desk()
    desk.bus.is_down = True
    desk.say(0)
    desk.say(1)
    desk.say(0)
    await run_for(desk, 5)
    assert desk.bus.events == []
    desk.bus.is_down = False
    await run_for(desk, 1)
    assert [event.kind for event in desk.bus.events] == [
        "container_created",
        "container_started",
        "container_removed",
    ]


async def test_too_many_events_drop_the_oldest_and_say_so() -> None:
    desk = Desk()
    desk.bus.is_down = True
    for count in range(EVENTS_MAX):
        desk.say(count % 2)
    assert desk.reporter.events_dropped > 0
    desk.bus.is_down = False
    await run_for(desk, 1)
    assert len(desk.bus.events) == EVENTS_MAX
