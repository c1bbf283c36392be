"""A process that stood still has heard nobody, and blames nobody for it."""

from coordinator.clock import Clock
from coordinator.nodes.health import judge
from coordinator.nodes.steadiness import Steadiness
from schemas.states import NodeState


class Hand:
    """Sets a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clock = Clock(monotonic=lambda: self.now)


def test_a_gap_between_two_looks_starts_the_count_anew() -> None:
    hand = Hand()
    steadiness = Steadiness(lambda: 5.0, hand.clock)
    for _ in range(100):
        hand.now += 0.5
        assert steadiness.since() == 1000.0
    hand.now += 9.0
    assert steadiness.since() == hand.now
    stood_still_until = hand.now
    hand.now += 2.5
    assert steadiness.since() == stood_still_until


def test_a_link_that_is_younger_counts_and_none_is_none() -> None:
    hand = Hand()
    assert Steadiness(lambda: 1001.0, hand.clock).since() == 1001.0
    assert Steadiness(lambda: None, hand.clock).since() is None


def test_after_a_stop_of_minutes_no_node_is_down() -> None:
    hand = Hand()
    steadiness = Steadiness(lambda: 5.0, hand.clock)
    heard_at = hand.now
    hand.now += 120.0
    verdict = judge({"n1": heard_at}, {"n1": NodeState.READY}, hand.now, steadiness.since())
    assert verdict.states == {"n1": NodeState.READY}
    assert verdict.frozen
