"""Order, side by side, blocked: how a plan is carried out."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent.domain.actions import (
    Addition,
    ContainerLabels,
    CreateContainer,
    CreateNetwork,
    PullImage,
    Removal,
    StartContainer,
    StopContainer,
)
from agent.domain.outcomes import Blocked, Failed, Succeeded
from agent.domain.plan import Plan
from agent.errors import EngineFailed, EngineTimeout
from agent.executor import Executor
from schemas.names import SlotKey
from tests.fakes.clock import wall_clock
from tests.fakes.engine import FakeEngine
from tests.fakes.orders import a_network, a_spec, joining
from tests.fakes.script import Behaviour

A, B = SlotKey("shop", "a", 1), SlotKey("shop", "b", 1)


class Bench:
    """An executor, its engine, and how often it said that something ended."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.engine = FakeEngine(clock=wall_clock, images=("web:1",))
        self.ends = 0
        self.executor = Executor(self.engine, tasks, self._count, cores=1)

    def _count(self) -> None:
        self.ends += 1

    async def make(self, *keys: SlotKey) -> None:
        """Containers that run."""
        for key in keys:
            await self.executor.execute(a_plan(create(key), StartContainer(key)))
        self.engine.calls.clear()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with asyncio.TaskGroup() as tasks:
        yield Bench(tasks)


def create(
    key: SlotKey, image: str = "web:1", *, awaits_pull: bool = False, **fields: object
) -> CreateContainer:
    spec = a_spec(image, **fields)
    labels = ContainerLabels(key, "f", "1", 0, 1, 1)
    return CreateContainer(key, labels, spec, awaits_pull=awaits_pull)


def a_plan(*actions: Removal | Addition) -> Plan:
    removals = tuple(action for action in actions if isinstance(action, Removal))
    return Plan(removals=removals, additions=tuple(a for a in actions if isinstance(a, Addition)))


async def test_a_slot_s_actions_follow_each_other(bench: Bench) -> None:
    outcomes = await bench.executor.execute(
        a_plan(
            CreateNetwork("shop_default", a_network()),
            create(A, networks=joining()),
            StartContainer(A),
        )
    )
    assert [verb for verb, _ in bench.engine.calls] == ["create_network", "create", "start"]
    assert all(isinstance(outcome, Succeeded) for outcome in outcomes)
    assert bench.ends == 3


async def test_an_engine_error_is_an_outcome_and_blocks_what_follows_in_the_slot(
    bench: Bench,
) -> None:
    bench.engine.fail("create", EngineFailed("create: no"))
    outcomes = await bench.executor.execute(a_plan(create(A), StartContainer(A)))
    failed, blocked = outcomes
    assert isinstance(failed, Failed)
    assert blocked == Blocked(StartContainer(A), failed)
    assert bench.engine.called("start") == []


async def test_a_failure_concerns_no_other_slot(bench: Bench) -> None:
    bench.engine.fail("create", EngineTimeout("create: late"))
    await bench.executor.execute(a_plan(create(A), create(B), StartContainer(A), StartContainer(B)))
    assert bench.engine.called("start") == ["shop_b_1"]


async def test_a_failed_pull_blocks_all_that_wait_for_the_image(bench: Bench) -> None:
    outcomes = await bench.executor.execute(
        a_plan(
            PullImage("gone:1", (A, B)),
            create(A, "gone:1", awaits_pull=True),
            create(B, "gone:1", awaits_pull=True),
            create(SlotKey("shop", "c", 1)),
        )
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "Blocked",
        "Blocked",
        "Failed",
        "Succeeded",
    ]


async def test_a_failed_stop_blocks_whoever_wants_its_port(bench: Bench) -> None:
    await bench.make(A)
    bench.engine.fail("stop", EngineFailed("stop: no"))
    stop = StopContainer(A, bench.engine.named("shop_a_1").id, "", 10.0, frozenset({"80/tcp"}))
    c = SlotKey("shop", "c", 1)
    outcomes = await bench.executor.execute(
        a_plan(
            stop,
            create(B),
            create(c),
            StartContainer(B, "", frozenset({"80/tcp"})),
            StartContainer(c, "", frozenset({"81/tcp"})),
        )
    )
    blocked = [outcome.action for outcome in outcomes if isinstance(outcome, Blocked)]
    assert blocked == [StartContainer(B, "", frozenset({"80/tcp"}))]


async def test_at_most_two_starts_a_core_at_once(bench: Bench) -> None:
    gate = bench.engine.hold("create")
    bench.executor.begin(a_plan(*(create(SlotKey("shop", "a", n)) for n in range(1, 6))))
    await gate.reached.wait()
    await asyncio.sleep(1)
    assert len(bench.engine.called("create")) == 2
    bench.engine.release("create")
    await bench.executor.execute(Plan())
    assert len(bench.engine.called("create")) == 5


async def test_what_has_not_begun_can_be_withdrawn(bench: Bench) -> None:
    gate = bench.engine.hold("create")
    bench.executor.begin(a_plan(create(A), StartContainer(A)))
    await gate.reached.wait()
    bench.executor.withdraw()
    assert bench.executor.in_flight == {create(A)}
    bench.engine.release("create")
    outcomes = await bench.executor.execute(Plan())
    assert [type(outcome.action) for outcome in outcomes] == [CreateContainer]


async def test_a_second_stop_works_while_the_first_one_waits(bench: Bench) -> None:
    bench.engine.behave("web:1", Behaviour(stops_after_s=None))
    await bench.make(A)
    container_id = bench.engine.named("shop_a_1").id
    bench.executor.begin(a_plan(StopContainer(A, container_id, "", 60.0)))
    await asyncio.sleep(1)
    began_at = wall_clock()
    await bench.executor.execute(a_plan(StopContainer(A, container_id, "KILL", 60.0)))
    assert wall_clock() - began_at < 1.0


async def test_a_long_stop_delays_no_other_slot(bench: Bench) -> None:
    bench.engine.behave("web:1", Behaviour(stops_after_s=None))
    await bench.make(A)
    stop = StopContainer(A, bench.engine.named("shop_a_1").id, "", 60.0)
    bench.executor.begin(a_plan(stop, create(B), StartContainer(B)))
    await asyncio.sleep(1)
    assert bench.engine.named("shop_b_1").is_running
    assert bench.executor.in_flight == {stop}
    await bench.executor.execute(Plan())
