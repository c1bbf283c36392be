"""What is counted, once, and when it is forgotten."""

from dataclasses import replace

import pytest

from agent.domain.actions import (
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    StartContainer,
    StopContainer,
)
from agent.domain.attempts import fold
from agent.domain.backoff import exit_due, failure_due, pull_patience
from agent.domain.observation import Attempts, SeenContainer, resource_key
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from agent.errors import EngineFailed, ImageNotFound, PullFailed
from schemas.desired import NodeDesired
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.states import Health, Wanted
from tests.fakes.orders import a_slot, a_spec, orders
from tests.unit.agent.seen import NOW, a_container, an_observation, exited

KEY = SlotKey("shop", "web", 1)
RUNNING = orders(a_slot())
STOPPED = orders(a_slot(wanted=Wanted.STOPPED))


def look(
    before: Attempts,
    *seen: SeenContainer,
    desired: NodeDesired = RUNNING,
    outcomes: tuple[Outcome, ...] = (),
    now: float = NOW,
) -> Attempts:
    observed = an_observation(*seen, attempts={KEY: before}, now=now)
    return fold(desired, observed, outcomes).get(KEY, Attempts())


def test_an_exit_is_counted_once() -> None:
    seen = exited(a_container())
    first = look(Attempts(), seen)
    assert (first.exits, first.code, first.last_exit_at) == (1, "crashed", NOW)
    assert look(first, seen) == first
    assert look(first, exited(a_container(), finished_at=NOW + 1), now=NOW + 1).exits == 2


def test_an_exit_is_counted_when_the_engine_tells_the_whole_of_it() -> None:
    seen = exited(a_container())
    listed = replace(seen, exit_code=None, finished_at=None, is_vague=True)
    vaguely = look(Attempts(), listed)
    assert vaguely.exits == 0
    assert look(vaguely, seen).exits == 1


def test_out_of_memory_is_said() -> None:
    assert "memory" in look(Attempts(), replace(exited(a_container()), oom_killed=True)).message


def test_an_exit_that_was_asked_for_is_not_counted_even_after_it_is_wanted_again() -> None:
    stopped = look(Attempts(), exited(a_container(), 143), desired=STOPPED)
    assert stopped.exits == 0
    again = look(stopped, exited(a_container(), 143))
    assert again.exits == 0
    assert again.asked


def test_an_exit_by_our_own_stop_is_not_counted() -> None:
    seen = a_container()
    stop = StopContainer(KEY, seen.id, "", 10.0)
    stopping = look(Attempts(), seen, outcomes=(Succeeded(stop),))
    assert look(stopping, exited(seen)).exits == 0
    started = look(stopping, seen, outcomes=(Succeeded(StartContainer(KEY, seen.id)),))
    assert look(started, exited(seen)).exits == 1


def test_bad_health_counts_once_per_start() -> None:
    ill = a_container(health=Health.FAILURE)
    first = look(Attempts(), ill)
    assert (first.exits, first.code) == (1, "unhealthy")
    assert look(first, ill).exits == 1
    assert look(first, replace(ill, started_at=NOW)).exits == 2


def test_ten_healthy_minutes_end_a_crash_loop() -> None:
    looping = look(Attempts(), exited(a_container()))
    alive = a_container(started_at=NOW)
    assert look(looping, alive, now=NOW + 599).exits == 1
    calm = look(looping, alive, now=NOW + 600)
    assert (calm.exits, calm.code) == (0, "")


def test_other_orders_end_every_count_but_remember_what_was_counted() -> None:
    seen = exited(a_container())
    looping = look(Attempts(), seen)
    changes = ({"refresh": 1}, {"tries": 1}, {"version": "2"}, {"wanted": Wanted.STOPPED})
    for newer in (a_slot(**change) for change in changes):
        assert look(looping, seen, desired=orders(newer)).exits == 0


def test_what_a_predecessor_suffers_is_not_told_of_its_successor() -> None:
    spec = a_spec(image="web:2")
    newer = orders(a_slot(spec=spec))
    successor = a_container(id="next", fingerprint=fingerprint(spec))
    before = look(Attempts(), a_container())
    for ill in (a_container(health=Health.FAILURE), exited(a_container())):
        outdated = look(before, ill, desired=newer)
        # It may have to stay for a while, and then backs off.
        assert (outdated.exits, outdated.code) == (1, "")
        assert look(outdated, successor, desired=newer).exits == 0
        crashed = look(outdated, exited(successor), desired=newer)
        assert (crashed.exits, crashed.code) == (1, "crashed")
        assert look(crashed, successor, desired=newer).exits == 1


def test_failures_count_until_the_slot_is_where_it_is_wanted() -> None:
    start = StartContainer(KEY)
    failed = Failed(start, EngineFailed("start: no"))
    first = look(Attempts(), outcomes=(failed,))
    second = look(first, outcomes=(failed,), now=NOW + 1)
    assert (second.failures, second.code, second.since) == (2, "engine", NOW)
    assert look(second, a_container(), outcomes=(Succeeded(start),)).failures == 0


def test_a_failed_pull_counts_for_every_slot_that_waits_for_it() -> None:
    pull = Failed(PullImage("x:1", (KEY,)), ImageNotFound("x:1 is nowhere"))
    counted = look(Attempts(), outcomes=(pull, Blocked(StartContainer(KEY), pull)))
    assert (counted.failures, counted.code, counted.definite) == (1, "image_not_found", True)


def test_a_failed_stop_is_named_so() -> None:
    stop = StopContainer(KEY, "id", "", 10.0)
    counted = look(Attempts(), a_container(), outcomes=(Failed(stop, EngineFailed("no")),))
    assert counted.code == "stop_failed"


def test_a_failed_removal_of_a_network_is_kept_until_it_is_gone() -> None:
    failed = Failed(RemoveNetwork("shop", "shop_default"), EngineFailed("in use"))
    there = an_observation(networks=["shop_default"])
    key = resource_key("shop", "shop_default")
    counted = fold(orders(), there, [failed])
    assert counted[key].failures == 1
    assert fold(orders(), an_observation(attempts=counted), []) == {}


def test_what_is_no_longer_mentioned_is_forgotten() -> None:
    before = {KEY: Attempts(exits=3)}
    assert fold(orders(), an_observation(attempts=before), []) == {}


def test_with_an_unreadable_engine_nothing_is_forgotten() -> None:
    looping = look(Attempts(), exited(a_container()))
    blind = an_observation(attempts={KEY: looping}, containers=None)
    assert fold(RUNNING, blind, [])[KEY] == looping


def test_exits_wait_0_1_10_20_up_to_300_seconds() -> None:
    waits = [exit_due(Attempts(exits=n, last_exit_at=0.0)) for n in range(10)]
    assert waits == [0, 0, 1, 10, 20, 40, 80, 160, 300, 300]


def test_failures_wait_1_2_5_up_to_60_seconds() -> None:
    waits = [failure_due(Attempts(failures=n, last_failure_at=0.0)) for n in range(8)]
    assert waits == [0, 1, 2, 5, 10, 30, 60, 60]


def test_pulls_wait_seconds_first_and_minutes_in_the_end_and_not_all_nodes_alike() -> None:
    for node in (f"n{number}" for number in range(100)):
        pulls = Attempts(is_pull=True, patience=pull_patience(node, "web:1"))
        waits = [failure_due(replace(pulls, failures=n)) for n in range(1, 9)]
        assert waits == sorted(waits)
        assert 2.5 <= waits[0] <= 5
        assert 150 <= waits[-1] <= 300
    assert len({pull_patience(f"n{number}", "web:1") for number in range(1000)}) > 500


def test_a_failed_pull_waits_as_pulls_do_and_nothing_after_it_does() -> None:
    pull = Failed(PullImage("x:1", (KEY,)), ImageNotFound("x:1 is nowhere"))
    counted = look(Attempts(), outcomes=(pull,))
    assert failure_due(counted) == NOW + 5 * pull_patience("n1", "x:1")
    start = Failed(StartContainer(KEY), EngineFailed("no"))
    assert failure_due(look(counted, outcomes=(start,))) == NOW + 2


def test_whoever_waits_is_told_of_the_second_pull_that_fails_not_of_the_first() -> None:
    away = Failed(PullImage("x:1", (KEY,)), PullFailed("no such host"))
    once = look(Attempts(), outcomes=(away,))
    twice = look(once, outcomes=(away,))
    assert (once.definite, twice.definite) == (False, True)


def test_a_clock_that_is_set_back_lengthens_no_wait() -> None:
    failed = look(Attempts(), outcomes=(Failed(StartContainer(KEY), EngineFailed("no")),))
    crashed = look(failed, exited(a_container()))
    looping = look(crashed, exited(a_container(), finished_at=NOW + 1), now=NOW + 1)
    then = NOW - 3600
    after = look(looping, now=then)
    assert (exit_due(after), failure_due(after)) == (then + 1, then + 1)
    # And it goes by.
    assert exit_due(look(after, now=then + 1)) == then + 1


@pytest.mark.parametrize("policy", ["no", "on-failure"])
def test_work_that_is_done_is_not_counted_as_an_exit(policy: str) -> None:
    once = orders(a_slot(spec=a_spec(restart={"policy": policy})))
    assert look(Attempts(), exited(a_container(), 0), desired=once).exits == 0
    assert look(Attempts(), exited(a_container(), 1), desired=once).exits == 1


def test_a_success_without_effect_is_a_failure() -> None:
    stuck = a_container(status="removing")
    gone = Succeeded(RemoveContainer(KEY, stuck.id))
    assert look(Attempts(), stuck, outcomes=(gone,)).failures == 1
    assert look(Attempts(), outcomes=(gone,)).failures == 0
    idle = a_container(status="created")
    assert look(Attempts(), idle, outcomes=(Succeeded(StartContainer(KEY, idle.id)),)).failures == 1


def test_what_ended_during_the_look_is_judged_by_the_next_one() -> None:
    action = RemoveContainer(KEY, a_container().id)
    observed = an_observation(a_container(), in_flight=frozenset({action}))
    assert fold(RUNNING, observed, [Succeeded(action)]).get(KEY, Attempts()).failures == 0
