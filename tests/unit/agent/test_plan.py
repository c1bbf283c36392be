"""The rules of a plan, one sentence each."""

import pytest

from agent.domain.actions import (
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    PullImage,
    RemoveContainer,
    StartContainer,
    StopContainer,
)
from agent.domain.observation import Attempts
from agent.domain.plan import Plan, plan
from agent.domain.problems import CRASHES_MAX
from schemas.names import SlotKey
from schemas.service import Restart
from schemas.states import Health, Wanted
from tests.fakes.orders import a_network, a_slot, a_spec, a_volume, joining, orders
from tests.unit.agent.seen import NOW, a_container, an_observation, exited

KEY = SlotKey("shop", "web", 1)
FULL = a_spec(
    networks=joining(), volumes=({"type": "volume", "source": "shop_db", "target": "/db"},)
)


def kinds(planned: Plan) -> list[str]:
    return [type(action).__name__ for action in planned.actions]


def test_a_missing_container_is_created_and_started_after_all_it_needs() -> None:
    spec = FULL.model_copy(update={"image": "new:1"})
    planned = plan(
        orders(a_slot(spec=spec), networks=[a_network()], volumes=[a_volume()]), an_observation()
    )
    assert [type(action) for action in planned.actions] == [
        CreateNetwork,
        CreateVolume,
        PullImage,
        CreateContainer,
        StartContainer,
    ]


def test_what_is_as_wanted_is_left_alone() -> None:
    assert plan(orders(a_slot()), an_observation(a_container())).is_empty


def test_what_is_here_already_is_not_made_again() -> None:
    planned = plan(
        orders(a_slot(spec=FULL), networks=[a_network()], volumes=[a_volume()]),
        an_observation(networks=["shop_default"], volumes=["shop_db"]),
    )
    assert kinds(planned) == ["CreateContainer", "StartContainer"]


def test_a_created_container_that_never_ran_is_started() -> None:
    seen = a_container(status="created", started_at=None)
    assert kinds(plan(orders(a_slot()), an_observation(seen))) == ["StartContainer"]


def test_another_fingerprint_recreates_the_container() -> None:
    planned = plan(orders(a_slot(spec=a_spec("web:2"))), an_observation(a_container()))
    assert kinds(planned) == [
        "StopContainer",
        "RemoveContainer",
        "CreateContainer",
        "StartContainer",
    ]
    assert planned.removals[0].reason == "its spec has changed"


def test_a_redeploy_recreates_only_what_has_a_new_image() -> None:
    again = orders(a_slot(refresh=1))
    assert plan(again, an_observation(a_container())).is_empty
    planned = plan(again, an_observation(a_container(image_id="sha256:old")))
    assert planned.removals[0].reason == "its image has changed"


def test_without_a_redeploy_a_new_image_changes_nothing() -> None:
    assert plan(orders(a_slot()), an_observation(a_container(image_id="sha256:old"))).is_empty


def test_an_old_container_stays_until_its_new_image_is_here() -> None:
    planned = plan(orders(a_slot(spec=a_spec("new:1"))), an_observation(a_container()))
    assert kinds(planned) == ["PullImage"]


def test_one_pull_serves_all_slots_of_an_image() -> None:
    spec = a_spec("new:1")
    planned = plan(orders(a_slot(spec=spec), a_slot(slot=2, spec=spec)), an_observation())
    (pull,) = (action for action in planned.actions if isinstance(action, PullImage))
    assert pull.keys == (KEY, SlotKey("shop", "web", 2))


@pytest.mark.parametrize("policy", ["default", "always", "unless-stopped"])
@pytest.mark.parametrize("exit_code", [0, 1])
def test_an_exited_container_is_started_again(policy: str, exit_code: int) -> None:
    spec = a_spec(restart={"policy": policy})
    seen = exited(a_container(spec=spec), exit_code)
    assert kinds(plan(orders(a_slot(spec=spec)), an_observation(seen))) == ["StartContainer"]


def test_a_run_once_container_that_ended_well_is_no_problem() -> None:
    spec = a_spec(restart=Restart(policy="no"))
    planned = plan(orders(a_slot(spec=spec)), an_observation(exited(a_container(spec=spec), 0)))
    assert planned.is_empty
    assert planned.problems == ()


def test_a_run_once_container_that_failed_is_a_definite_problem() -> None:
    spec = a_spec(restart=Restart(policy="no"))
    planned = plan(orders(a_slot(spec=spec)), an_observation(exited(a_container(spec=spec), 2)))
    assert planned.is_empty
    assert [(p.code, p.definite) for p in planned.problems] == [("crashed", True)]


def test_on_failure_starts_again_only_what_failed_and_so_many_times() -> None:
    spec = a_spec(restart=Restart(policy="on-failure", max_retries=2))
    desired = orders(a_slot(spec=spec))
    well, badly = exited(a_container(spec=spec), 0), exited(a_container(spec=spec), 1)
    assert plan(desired, an_observation(well)).is_empty

    def after(exits: int) -> Plan:
        attempts = Attempts(exits=exits, last_exit_at=NOW - 1000)
        return plan(desired, an_observation(badly, attempts={KEY: attempts}))

    assert kinds(after(2)) == ["StartContainer"]
    assert after(3).is_empty
    assert after(3).problems[0].definite


def test_an_exit_that_was_asked_for_is_followed_by_a_start_at_once() -> None:
    spec = a_spec(restart=Restart(policy="no"))
    seen = exited(a_container(spec=spec), 137)
    attempts = Attempts(asked=frozenset({(seen.id, NOW)}))
    planned = plan(orders(a_slot(spec=spec)), an_observation(seen, attempts={KEY: attempts}))
    assert kinds(planned) == ["StartContainer"]


def test_a_crash_loop_waits_and_says_until_when() -> None:
    attempts = Attempts(exits=3, last_exit_at=NOW - 4, code="crashed", message="exited with 1")
    planned = plan(
        orders(a_slot()), an_observation(exited(a_container()), attempts={KEY: attempts})
    )
    assert planned.is_empty
    assert planned.retry_at == NOW + 6
    (problem,) = planned.problems
    assert (problem.code, problem.attempts, problem.definite) == ("crashed", 3, False)


def test_what_has_ended_too_often_in_a_row_is_not_expected_to_stay() -> None:
    def after(exits: int) -> bool:
        attempts = Attempts(exits=exits, last_exit_at=NOW, code="crashed", message="exited with 1")
        seen = an_observation(exited(a_container()), attempts={KEY: attempts})
        return plan(orders(a_slot()), seen).problems[0].definite

    assert not after(CRASHES_MAX - 1)
    assert after(CRASHES_MAX)


def test_removing_a_crashing_container_by_hand_does_not_skip_its_back_off() -> None:
    attempts = Attempts(exits=3, last_exit_at=NOW - 4)
    planned = plan(orders(a_slot()), an_observation(attempts={KEY: attempts}))
    assert planned.is_empty
    assert planned.retry_at == NOW + 6


def test_bad_health_restarts_the_container() -> None:
    planned = plan(orders(a_slot()), an_observation(a_container(health=Health.FAILURE)))
    assert kinds(planned) == ["StopContainer", "StartContainer"]
    assert planned.problems[0].code == "unhealthy"


def test_bad_health_again_waits() -> None:
    attempts = Attempts(exits=2, last_exit_at=NOW - 0.5)
    seen = a_container(health=Health.FAILURE)
    planned = plan(orders(a_slot()), an_observation(seen, attempts={KEY: attempts}))
    assert planned.is_empty
    assert planned.retry_at == NOW + 0.5


def test_a_failing_probe_never_restarts() -> None:
    seen = a_container()
    observed = an_observation(seen, probes={seen.id: Health.FAILURE})
    assert plan(orders(a_slot()), observed).is_empty


def test_a_paused_container_is_left_and_noted() -> None:
    planned = plan(orders(a_slot()), an_observation(a_container(status="paused")))
    assert planned.is_empty
    assert planned.notes


@pytest.mark.parametrize("status", ["dead", "removing"])
def test_a_dying_container_is_removed(status: str) -> None:
    planned = plan(orders(a_slot()), an_observation(a_container(status=status)))
    assert kinds(planned) == ["RemoveContainer"]


def test_of_two_containers_the_up_to_date_one_that_runs_longest_is_kept() -> None:
    old = a_container(id="old", started_at=NOW - 500)
    young = a_container(id="young", started_at=NOW - 5)
    drifted = a_container(id="drifted", spec=a_spec("web:2"), started_at=NOW - 900)
    planned = plan(orders(a_slot()), an_observation(young, drifted, old))
    removed = {a.container_id for a in planned.actions if isinstance(a, RemoveContainer)}
    assert removed == {"young", "drifted"}


@pytest.mark.parametrize("status", ["exited", "created"])
def test_wanted_stopped_leaves_what_does_not_run(status: str) -> None:
    desired = orders(a_slot(wanted=Wanted.STOPPED))
    assert plan(desired, an_observation(a_container(status=status))).is_empty
    assert plan(desired, an_observation()).is_empty


def test_a_stop_says_how_in_the_order_slot_spec_engine() -> None:
    spec = a_spec(stop_signal="INT", stop_grace_s=3.0)

    def stop(**fields: object) -> StopContainer:
        slot = a_slot(wanted=Wanted.STOPPED, **fields)  # type: ignore[arg-type]
        (action,) = plan(orders(slot), an_observation(a_container())).removals
        assert isinstance(action, StopContainer)
        return action

    assert (stop().signal, stop().timeout_s) == ("", 10.0)
    assert (stop(spec=spec).signal, stop(spec=spec).timeout_s) == ("INT", 3.0)
    told = stop(spec=spec, stop_signal="KILL", stop_timeout_s=0.0)
    assert (told.signal, told.timeout_s) == ("KILL", 0.0)


def test_wanted_absent_stops_and_removes_with_its_volumes_if_told() -> None:
    desired = orders(a_slot(wanted=Wanted.ABSENT, remove_volumes=True))
    stop, remove = plan(desired, an_observation(a_container())).removals
    assert isinstance(stop, StopContainer)
    assert isinstance(remove, RemoveContainer)
    assert remove.with_volumes


def test_absent_needs_no_spec() -> None:
    slot, _ = a_slot(wanted=Wanted.ABSENT)
    desired = orders().model_copy(update={"slots": (slot.model_copy(update={"spec": ""}),)})
    assert kinds(plan(desired, an_observation(exited(a_container())))) == ["RemoveContainer"]


def test_a_slot_without_its_spec_is_noted_and_left() -> None:
    slot, _ = a_slot()
    desired = orders().model_copy(update={"slots": (slot,)})
    planned = plan(desired, an_observation(a_container()))
    assert planned.is_empty
    assert planned.notes


def test_what_the_document_does_not_mention_is_left_alone() -> None:
    seen = a_container("other", spec=FULL)
    observed = an_observation(seen, networks=["shop_default"], volumes=["shop_db"])
    assert plan(orders(), observed).is_empty
