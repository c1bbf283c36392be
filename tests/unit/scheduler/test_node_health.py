"""Node health: silence, returning, flapping links, and losing the bus."""

from collections.abc import Mapping

import pytest

from coordinator.nodes.health import Thresholds, Verdict, judge
from schemas.states import NodeState

READY, SUSPECT, DOWN = NodeState.READY, NodeState.SUSPECT, NodeState.DOWN
#: our own link has been fine for ages
LONG_AGO = 0.0
NOW = 1_000.0


def after(before: NodeState, silence_s: float) -> NodeState:
    """The state of one of five nodes, the others being fine."""
    last_seen = {f"n{i}": NOW for i in range(2, 6)} | {"n1": NOW - silence_s}
    return judge(last_seen, {"n1": before}, NOW, LONG_AGO).states["n1"]


SILENCE = [
    (READY, 4.9, READY),
    (READY, 5.0, SUSPECT),
    (READY, 7.9, SUSPECT),
    (READY, 8.0, DOWN),
    (SUSPECT, 0.0, READY),
    (SUSPECT, 6.0, SUSPECT),
    (SUSPECT, 8.0, DOWN),
    (DOWN, 0.0, SUSPECT),
    (DOWN, 6.0, DOWN),
    (DOWN, 900.0, DOWN),
]


@pytest.mark.parametrize(("before", "silence_s", "state"), SILENCE)
def test_a_node_is_judged_by_its_silence(
    before: NodeState, silence_s: float, state: NodeState
) -> None:
    assert after(before, silence_s) is state


def test_a_new_node_is_ready() -> None:
    assert judge({"n1": NOW}, {}, NOW, LONG_AGO).states == {"n1": READY}


@pytest.mark.parametrize("settled_since", [None, NOW - 5.9])
def test_while_our_link_is_not_settled_nothing_changes_and_nothing_moves(
    settled_since: float | None,
) -> None:
    previous = {"n1": READY, "n2": SUSPECT, "n3": DOWN}
    verdict = judge(
        {"n1": 0.0, "n2": NOW, "n3": NOW, "n4": NOW},
        previous,
        NOW,
        settled_since,
        returning={"n2": 990.0, "gone": 990.0},
    )
    assert verdict.states == previous | {"n4": READY}
    assert verdict.returning == {"n2": 990.0}
    assert verdict.frozen
    assert "not settled" in verdict.reason


def test_silence_counts_from_the_moment_our_link_is_back() -> None:
    everybody = {f"n{i}": READY for i in range(1, 6)}
    seen = dict.fromkeys(everybody, NOW) | {"n1": 100.0}
    at = {settled: judge(seen, everybody, NOW, NOW - settled).states["n1"] for settled in (6, 8)}
    assert at == {6: SUSPECT, 8: DOWN}


def test_a_settled_link_alone_makes_no_node_look_better() -> None:
    generous = Thresholds(settle_s=1.0)
    previous = {"n1": SUSPECT, "n2": DOWN, "n3": READY}
    verdict = judge(dict.fromkeys(previous, 100.0), previous, NOW, NOW - 2, generous)
    assert verdict.states == previous


def test_a_node_that_was_never_heard_goes_down_as_well() -> None:
    previous = {"n1": READY, "n2": READY}
    verdict = judge({"n2": NOW}, previous, NOW, LONG_AGO)
    assert verdict.states == {"n1": DOWN, "n2": READY}
    assert not verdict.frozen


def run(
    heard_at: Mapping[str, list[float]], until: float, *, step: float = 0.5
) -> list[tuple[float, Verdict]]:
    """Judge every half second, feeding each verdict into the next."""
    verdict = Verdict(dict.fromkeys(heard_at, READY))
    told: list[tuple[float, Verdict]] = []
    now = 0.0
    while now <= until:
        seen = {
            node: max(t for t in times if t <= now)
            for node, times in heard_at.items()
            if any(t <= now for t in times)
        }
        verdict = judge(seen, verdict.states, now, -100.0, returning=verdict.returning)
        told.append((now, verdict))
        now += step
    return told


def beats(until: float, *, silent_from: float = 1e9, silent_to: float = 1e9) -> list[float]:
    return [t for t in map(float, range(0, int(until) + 1, 2)) if not silent_from < t < silent_to]


def changes(told: list[tuple[float, Verdict]], node: str) -> list[tuple[float, NodeState]]:
    found: list[tuple[float, NodeState]] = []
    for now, verdict in told:
        if not found or found[-1][1] is not verdict.states[node]:
            found.append((now, verdict.states[node]))
    return found


def test_a_node_that_was_down_is_suspect_until_it_was_heard_for_a_while() -> None:
    heard = {f"n{i}": beats(60) for i in range(2, 6)}
    told = run(heard | {"n1": beats(60, silent_from=10, silent_to=30)}, 60)
    assert changes(told, "n1") == [
        (0.0, READY),
        (15.0, SUSPECT),
        (18.0, DOWN),
        (30.0, SUSPECT),
        (40.0, READY),
    ]
    assert not any(verdict.frozen for _, verdict in told)


def test_another_silence_starts_the_trial_again() -> None:
    heard = {f"n{i}": beats(80) for i in range(2, 6)}
    lost = [t for t in beats(80, silent_from=10, silent_to=30) if not 34 < t < 40]
    told = run(heard | {"n1": lost}, 80)
    assert changes(told, "n1")[3:] == [(30.0, SUSPECT), (49.5, READY)]


def test_a_flapping_link_takes_a_node_down_once_and_keeps_it_out() -> None:
    heard = {f"n{i}": beats(300) for i in range(2, 6)}
    # Nine seconds of silence, three of life, for five minutes.
    flapping = [t for t in map(float, range(301)) if t % 12 < 3]
    told = run(heard | {"n1": flapping}, 300)
    ready = [now for now, verdict in told if verdict.states["n1"] is READY]
    assert max(ready) < 12


def test_a_link_that_flaps_every_second_takes_no_node_down() -> None:
    heard = {f"n{i}": beats(300) for i in range(2, 6)}
    flapping = [t for t in map(float, range(301)) if t % 4 == 0]
    told = run(heard | {"n1": flapping}, 300)
    assert changes(told, "n1") == [(0.0, READY)]


def silent_together(count: int, of: int) -> Verdict:
    seen = {f"n{i}": NOW - 9.0 if i <= count else NOW for i in range(1, of + 1)}
    return judge(seen, dict.fromkeys(seen, READY), NOW, LONG_AGO)


FREEZES = [
    (1, 1, False),
    (1, 2, False),
    (2, 2, True),
    (1, 3, False),
    (2, 3, True),
    (2, 4, True),
    (2, 6, True),
    (2, 7, False),
    (3, 10, False),
    (4, 10, True),
    (300, 1000, False),
    (301, 1000, True),
]


@pytest.mark.parametrize(("count", "of", "frozen"), FREEZES)
def test_mass_silence_freezes_rescheduling(count: int, of: int, frozen: bool) -> None:
    verdict = silent_together(count, of)
    assert verdict.frozen is frozen
    assert verdict.reason == (f"{count} of {of} nodes fell silent at once" if frozen else "")
    # What is down is shown as down, frozen or not.
    assert list(verdict.states.values()).count(DOWN) == count


def test_the_freeze_lasts_as_long_as_the_silence() -> None:
    seen = {"n1": 100.0, "n2": 101.0, "n3": NOW, "n4": NOW}
    states = dict.fromkeys(("n1", "n2"), DOWN) | dict.fromkeys(("n3", "n4"), READY)
    assert judge(seen, states, NOW, LONG_AGO).frozen


def test_the_freeze_begins_before_the_first_node_is_down() -> None:
    heard = {f"n{i}": [t + i / 2 for t in beats(40, silent_from=10)] for i in range(1, 4)}
    told = run({name: [0.0, *times] for name, times in heard.items()} | {"n4": beats(40)}, 40)
    first_down = next(now for now, v in told if DOWN in v.states.values())
    assert all(verdict.frozen for now, verdict in told if now >= first_down)


def test_nodes_lost_one_by_one_freeze_nothing() -> None:
    seen = {f"n{i}": 100.0 * i for i in range(1, 5)} | {"n5": NOW, "n6": NOW}
    verdict = judge(seen, dict.fromkeys(["n1", "n2", "n3", "n4"], DOWN), NOW, LONG_AGO)
    assert list(verdict.states.values()).count(DOWN) == 4
    assert not verdict.frozen


def test_nodes_that_were_never_heard_count_as_silent_at_once() -> None:
    previous = {f"n{i}": READY for i in range(1, 5)}
    assert judge({"n3": NOW, "n4": NOW}, previous, NOW, LONG_AGO).frozen


def test_nodes_that_were_never_heard_but_reported_at_different_times_freeze_nothing() -> None:
    previous = {f"n{i}": SUSPECT for i in range(1, 5)}
    heard = {"n3": NOW, "n4": NOW}
    long_lost = judge(heard, previous, NOW, LONG_AGO, last_report={"n1": -9e6, "n2": -9e4})
    together = judge(heard, previous, NOW, LONG_AGO, last_report={"n1": -9e6, "n2": -9e6 + 80})
    assert (long_lost.frozen, together.frozen) == (False, True)
    assert long_lost.states["n1"] is DOWN


def test_the_rest_is_not_given_up_while_the_first_ones_come_back() -> None:
    heard = {f"n{i}": beats(80, silent_from=10, silent_to=30 + i) for i in range(1, 5)}
    told = run(heard | {f"n{i}": beats(80) for i in range(5, 9)}, 80)
    frozen = [now for now, verdict in told if verdict.frozen]
    assert min(frozen) <= 18
    last_down = max(now for now, v in told if DOWN in v.states.values())
    assert all(verdict.frozen for now, verdict in told if 18 <= now <= last_down)
    assert not told[-1][1].frozen


def test_silence_across_our_own_outage_is_compared_by_what_was_heard_before() -> None:
    # One node has been dead for long; another does not come back with us.
    seen = {"n1": 100.0, "n2": 900.0, "n3": NOW, "n4": NOW}
    verdict = judge(seen, {"n1": DOWN, "n2": READY}, NOW, NOW - 20)
    assert verdict.states["n2"] is DOWN
    assert not verdict.frozen


def test_the_order_of_nodes_has_no_influence() -> None:
    seen = {"n1": 1.0, "n2": NOW, "n3": NOW - 6}
    states = {"n3": DOWN, "n1": READY, "n2": SUSPECT}
    first = judge(seen, states, NOW, LONG_AGO)
    second = judge(dict(reversed(seen.items())), dict(reversed(states.items())), NOW, LONG_AGO)
    assert first == second
    assert list(first.states) == ["n1", "n2", "n3"] == list(second.states)
