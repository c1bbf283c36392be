"""A process that stood still has heard nobody, and blames nobody for it."""

from coordinator.nodes.health import judge
from coordinator.nodes.steadiness import Steadiness
from schemas.states import NodeState


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_gap_between_two_looks_starts_the_count_anew() -> None:
    clock = Clock()
    steadiness = Steadiness(lambda: 5.0, clock)
    for _ in range(100):
        clock.now += 0.5
        assert steadiness.since() == 1000.0
    clock.now += 9.0
    assert steadiness.since() == clock.now
    stood_still_until = clock.now
    clock.now += 2.5
    assert steadiness.since() == stood_still_until


def test_a_link_that_is_younger_counts_and_none_is_none() -> None:
    clock = Clock()
    assert Steadiness(lambda: 1001.0, clock).since() == 1001.0
    assert Steadiness(lambda: None, clock).since() is None


def test_after_a_stop_of_minutes_no_node_is_down() -> None:
    clock = Clock()
    steadiness = Steadiness(lambda: 5.0, clock)
    heard_at = clock.now
    clock.now += 120.0
    verdict = judge({"n1": heard_at}, {"n1": NodeState.READY}, clock.now, steadiness.since())
    assert verdict.states == {"n1": NodeState.READY}
    assert verdict.frozen
