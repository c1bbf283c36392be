"""The whole agent over fakes: what a container printed before it ended is in the status."""

import asyncio

from agent.errors import EngineTimeout
from schemas.states import Health
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_slot, a_spec, orders
from tests.fakes.script import Behaviour

ONCE = a_slot(spec=a_spec(restart={"policy": "no"}))


def told(node: FakeNode) -> list[tuple[str, ...]]:
    return [problem.log_tail for problem in node.status.problems]


async def test_a_container_that_ends_tells_its_last_lines_and_is_read_once(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=1, prints="no database\ngiving up\n"))
    node.bus.put_desired(orders(ONCE))
    await node.until(lambda: told(node) == [("no database", "giving up")])
    await asyncio.sleep(3600)
    assert node.engine.logs_read == ["shop_web_1"]
    assert told(node) == [("no database", "giving up")]


async def test_every_exit_of_a_crash_loop_is_read_and_no_line_outlives_its_problem(
    node: FakeNode,
) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=1, prints="again\n"))
    node.bus.put_desired(orders(a_slot()))
    await node.until(lambda: told(node) == [("again",) * 3])
    node.engine.behave("web:1", Behaviour())
    await node.until(lambda: all(each.running for each in node.status.containers))
    assert node.status.problems == ()


async def test_an_unhealthy_container_tells_its_last_lines(node: FakeNode) -> None:
    spec = a_spec(restart={"policy": "no"})
    node.engine.behave("web:1", Behaviour(prints="deadlock\n"))
    await node.order(orders(a_slot(spec=spec)))
    node.engine.show_health(node.engine.named("shop_web_1").id, Health.FAILURE)
    await node.until(lambda: told(node) == [("deadlock",)])


async def test_a_log_that_hangs_or_fails_delays_nobody(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=1, prints="lost\n"))
    node.engine.fail("log_tail", EngineTimeout("read the log: too slow"))
    gate = node.engine.hold("log_tail")
    node.bus.put_desired(orders(ONCE))
    await gate.reached.wait()
    other = a_slot("other", spec=a_spec("web:2"))
    took_s = asyncio.get_running_loop().time()
    node.bus.put_desired(orders(ONCE, other, generation=2))
    await node.until(lambda: any(each.running for each in node.status.containers))
    assert asyncio.get_running_loop().time() - took_s < 1
    node.engine.release("log_tail")
    await asyncio.sleep(3600)
    assert told(node) == [()]
    assert node.engine.logs_read == ["shop_web_1"]


async def test_a_read_that_nobody_waits_for_any_more_is_given_up(node: FakeNode) -> None:
    node.engine.behave("web:1", Behaviour(exits_with=1, prints="old\n"))
    gate = node.engine.hold("log_tail")
    node.bus.put_desired(orders(ONCE))
    await gate.reached.wait()
    node.bus.put_desired(orders(generation=2))
    await node.until(lambda: node.status.generation == 2)
    node.engine.release("log_tail")
    await asyncio.sleep(60)
    assert node.status.problems == ()
