"""What nobody foresaw fails what it happens in, is said with its words, and ends nothing else."""

import asyncio

import pytest

from schemas.errors import InvariantBroken
from schemas.states import EngineState, Health
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_slot, a_spec, orders


async def test_a_defect_in_an_action_is_its_slot_s_problem_and_nobody_else_s(
    node: FakeNode,
) -> None:
    node.engine.fail("create", KeyError("Id"))
    node.bus.put_desired(orders(a_slot(), a_slot("other")))
    await node.until(lambda: bool(node.status.problems))
    (problem,) = node.status.problems
    assert (problem.code, problem.definite) == ("defect", False)
    assert problem.message == "a defect of the agent: KeyError: 'Id'"
    assert problem.retry_at
    await node.until(lambda: node.status.settled)
    assert len(node.status.containers) == 2


async def test_an_action_that_fails_by_a_defect_each_time_backs_off(node: FakeNode) -> None:
    for _ in range(9):
        node.engine.fail("create", InvariantBroken("never"))
    node.bus.put_desired(orders(a_slot()))
    # At 0 s, then after 1, 2, 5 and 10 s.
    await asyncio.sleep(20)
    assert len(node.engine.called("create")) == 5


async def test_a_defect_in_a_look_plans_nothing_and_shows_what_was_seen_last(
    node: FakeNode, capsys: pytest.CaptureFixture[str]
) -> None:
    await node.order(orders(a_slot()))
    node.engine.calls.clear()
    for _ in range(5):
        node.engine.fail("containers", TypeError("None is no list"))
    node.engine.cut_events()
    await node.until(lambda: node.status.engine.state is EngineState.UNRESPONSIVE)
    assert node.status.engine.reason == "a defect of the agent: TypeError: None is no list"
    assert "Traceback" in capsys.readouterr().out
    assert node.status.containers[0].running
    await node.until(lambda: node.status.settled)
    assert node.engine.calls == []


async def test_a_defect_in_a_probe_is_bad_health_of_its_container_alone(
    node: FakeNode, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = a_spec(probe={"cmd": "check"})
    node.probe.broken.add("shop_web_1")
    node.bus.put_desired(orders(a_slot(spec=spec), a_slot("other", spec=spec)))

    def health() -> dict[str, Health]:
        return {seen.name: seen.health for seen in node.status.containers}

    await node.until(
        lambda: health() == {"shop_web_1": Health.FAILURE, "shop_other_1": Health.SUCCESS}
    )
    await asyncio.sleep(60)
    # Said once, not at every check.
    assert capsys.readouterr().out.count("Traceback") == 1
    node.probe.broken.clear()
    await node.until(lambda: health()["shop_web_1"] is Health.SUCCESS)
