"""The rules for containers that use shared volumes, one sentence each."""

from dataclasses import replace
from typing import Any

import pytest

from agent.domain.actions import CreateContainer, StartContainer
from agent.domain.observation import Attempts
from agent.domain.plan import Plan, plan
from agent.domain.shares import sub_paths
from schemas.current import SubPathCurrent
from schemas.desired import DesiredMount
from schemas.names import SlotKey
from schemas.states import Health, MountState, Wanted
from schemas.volume import OssfsOptions, VolumeSpec
from tests.fakes.orders import a_mount, a_slot, a_spec, orders, sharing
from tests.unit.agent.seen import NOW, a_container, an_observation, exited, mounted

KEY = SlotKey("shop", "web", 1)
SPEC = sharing()
RUNNING = a_container(spec=SPEC)
STUCK = mounted(state=MountState.STUCK, since="2026-11-23T10:00:00Z", reason="no answer for 40 s")
RECREATED = ["StopContainer", "RemoveContainer", "CreateContainer", "StartContainer"]


def kinds(planned: Plan) -> list[str]:
    return [type(action).__name__ for action in planned.actions]


def planned_on(mounts: Any, *seen: Any, when_stuck: str = "wait", **fields: Any) -> Plan:
    desired = orders(a_slot(spec=SPEC), mounts=[a_mount(when_stuck=when_stuck)])
    return plan(desired, an_observation(*seen, mounts=mounts, **fields))


def test_a_container_is_made_for_the_mount_that_is_there() -> None:
    create, start = planned_on(mounted()).additions
    assert isinstance(create, CreateContainer)
    assert create.labels.mounts == (("nas/photos", "i1"),)
    assert isinstance(start, StartContainer)
    assert start.is_sharing


def test_an_engine_makes_no_local_volume_of_a_shared_one() -> None:
    assert kinds(planned_on(mounted())) == ["CreateContainer", "StartContainer"]


@pytest.mark.parametrize(
    ("mounts", "code", "definite", "words"),
    [
        (None, "volume_missing", False, "volume photos is unknown: mountd does not answer"),
        ({}, "volume_missing", False, "volume photos is not mounted yet"),
        (mounted(state=MountState.MOUNTING), "volume_missing", False, "volume photos is mounting"),
        (
            mounted(state=MountState.UNMOUNTING),
            "volume_missing",
            False,
            "volume photos is unmounting",
        ),
        (STUCK, "volume_stuck", False, "volume photos is stuck: no answer for 40 s"),
        (
            mounted(state=MountState.FAILED, reason="access denied"),
            "volume_failed",
            True,
            "volume photos is failed: access denied",
        ),
    ],
)
@pytest.mark.parametrize(
    "seen", [(), (exited(RUNNING),), (a_container(spec=SPEC, status="created"),)]
)
def test_nothing_starts_on_a_volume_that_is_not_mounted(
    seen: Any, mounts: Any, code: str, definite: bool, words: str
) -> None:
    planned = planned_on(mounts, *seen)
    assert planned.is_empty
    (problem,) = planned.problems
    assert (problem.code, problem.definite, problem.message) == (code, definite, words)
    assert problem.key == KEY
    assert planned.retry_at is not None


def test_a_problem_is_as_old_as_the_state_of_its_mount() -> None:
    (problem,) = planned_on(STUCK).problems
    assert problem.since == "2026-11-23T10:00:00Z"


@pytest.mark.parametrize("mounts", [[], [a_mount(wanted=Wanted.ABSENT)]])
def test_a_volume_that_the_document_lacks_is_a_definite_problem(mounts: Any) -> None:
    desired = orders(a_slot(spec=SPEC), mounts=mounts)
    planned = plan(desired, an_observation(mounts=mounted()))
    assert planned.is_empty
    assert [(p.code, p.definite) for p in planned.problems] == [("volume_missing", True)]


@pytest.mark.parametrize("state", [state for state in MountState if state != MountState.MOUNTED])
def test_what_runs_is_left_alone_and_its_volume_is_told(state: MountState) -> None:
    for health in (Health.NONE, Health.FAILURE):
        planned = planned_on(mounted(state=state), replace(RUNNING, health=health))
        assert planned.is_empty
        assert planned.problems[0].message == f"volume photos is {state}"


def test_what_runs_while_nothing_is_known_is_no_problem() -> None:
    planned = planned_on(None, RUNNING)
    assert planned.is_empty
    assert planned.problems == ()
    assert planned.retry_at is None


def test_a_new_spec_waits_for_the_volume_and_the_old_container_goes_on() -> None:
    old = a_container(spec=a_spec("web:2"))
    planned = planned_on(STUCK, old)
    assert planned.is_empty
    assert planned.problems[0].code == "volume_stuck"


def test_a_container_without_the_volume_any_more_is_replaced_at_once() -> None:
    desired = orders(a_slot(), mounts=[a_mount()])
    assert kinds(plan(desired, an_observation(RUNNING, mounts=STUCK))) == RECREATED


def test_a_container_on_an_older_mount_is_made_anew() -> None:
    planned = planned_on(mounted(incarnation="i2"), RUNNING)
    assert kinds(planned) == RECREATED
    assert {action.reason for action in planned.actions} == {"its volume was mounted anew"}


@pytest.mark.parametrize("seen", [exited(RUNNING), a_container(spec=SPEC, status="created")])
def test_a_container_of_an_older_mount_is_not_started_again(seen: Any) -> None:
    planned = planned_on(mounted(incarnation="i2"), seen)
    assert kinds(planned) == ["RemoveContainer", "CreateContainer", "StartContainer"]


def test_work_that_is_done_is_not_done_again_for_a_new_mount() -> None:
    spec = sharing(restart={"policy": "no"})
    desired = orders(a_slot(spec=spec), mounts=[a_mount()])
    done = exited(a_container(spec=spec), 0)
    for mounts in (mounted(incarnation="i2"), STUCK, None):
        planned = plan(desired, an_observation(done, mounts=mounts))
        assert planned.is_empty
        assert planned.problems == ()


def test_a_policy_stops_what_runs_on_a_stuck_volume() -> None:
    planned = planned_on(STUCK, RUNNING, when_stuck="stop")
    assert kinds(planned) == ["StopContainer"]
    assert planned.problems[0].code == "volume_stuck"


def test_what_is_to_move_goes_on_until_it_is_ordered_elsewhere() -> None:
    planned = planned_on(STUCK, RUNNING, when_stuck="move")
    assert planned.is_empty
    assert planned.problems[0].code == "volume_stuck"


def test_the_policy_is_for_stuck_volumes_only() -> None:
    others: list[Any] = [None, {}, mounted(state=MountState.FAILED)]
    for mounts in others:
        assert planned_on(mounts, RUNNING, when_stuck="stop").is_empty


def test_what_a_policy_stopped_starts_again_when_the_volume_answers() -> None:
    stopped = exited(RUNNING, 143)
    attempts = {KEY: Attempts(asked=frozenset({(stopped.id, NOW)}))}
    planned = planned_on(mounted(), stopped, attempts=attempts, when_stuck="stop")
    assert kinds(planned) == ["StartContainer"]


def test_a_stop_that_does_not_end_is_asked_for_less_and_less() -> None:
    attempts = {KEY: Attempts(failures=3, last_failure_at=NOW - 1, code="stop_failed")}
    planned = planned_on(STUCK, RUNNING, attempts=attempts, when_stuck="stop")
    assert planned.is_empty
    assert planned.problems[0].code == "stop_failed"


def test_wanted_stopped_and_absent_ask_for_no_volume() -> None:
    for wanted, expected in (
        (Wanted.STOPPED, ["StopContainer"]),
        (Wanted.ABSENT, ["StopContainer", "RemoveContainer"]),
    ):
        desired = orders(a_slot(spec=SPEC, wanted=wanted), mounts=[a_mount()])
        planned = plan(desired, an_observation(RUNNING, mounts=STUCK))
        assert kinds(planned) == expected
        assert planned.problems == ()


def test_the_lack_that_needs_a_human_is_told_first() -> None:
    mounts: Any = (
        {"type": "cluster", "source": "nas/music", "target": "/music"},
        {"type": "cluster", "source": "nas/photos", "target": "/photos"},
    )
    desired = orders(a_slot(spec=a_spec(volumes=mounts)), mounts=[a_mount(), a_mount(name="music")])
    both = mounted("music", MountState.STUCK) | mounted("photos", MountState.FAILED)
    (problem,) = plan(desired, an_observation(mounts=both)).problems
    assert problem.code == "volume_failed"


def test_a_slot_at_work_still_tells_what_is_wrong_with_its_volume() -> None:
    stopping = planned_on(STUCK, RUNNING, when_stuck="stop")
    planned = planned_on(STUCK, RUNNING, when_stuck="stop", in_flight=frozenset(stopping.actions))
    assert planned.is_empty
    assert planned.problems == stopping.problems


def test_a_container_that_the_engine_hangs_on_is_left_until_it_answers() -> None:
    vague = a_container(is_vague=True, spec=a_spec("web:2"))
    planned = plan(orders(a_slot()), an_observation(vague))
    assert planned.is_empty
    assert planned.retry_at == NOW + 2.0
    (problem,) = planned.problems
    assert (problem.code, problem.definite) == ("engine", False)


def test_of_a_hanging_container_its_volume_is_the_better_explanation() -> None:
    planned = planned_on(STUCK, replace(RUNNING, is_vague=True))
    assert [problem.code for problem in planned.problems] == ["volume_stuck"]


def test_of_two_volumes_in_one_place_the_one_that_has_it_counts() -> None:
    bucket = {"type": "cluster", "source": "ossfs/bucket", "target": "/data"}
    twins = [
        DesiredMount(
            volume=VolumeSpec(
                name=name,
                driver="ossfs",
                ossfs=OssfsOptions(bucket="bucket", url="http://s3.example"),
            )
        )
        for name in ("a", "b")
    ]
    desired = orders(a_slot(spec=a_spec(volumes=(bucket,))), mounts=twins)
    place = "/mnt/acs_mnt/ossfs/bucket"
    both = mounted("a", MountState.FAILED, mountpoint=place) | mounted(
        "b", incarnation="i7", mountpoint=place
    )
    create, _ = plan(desired, an_observation(mounts=both)).additions
    assert isinstance(create, CreateContainer)
    assert create.labels.mounts == (("ossfs/bucket", "i7"),)


def test_a_mount_of_an_earlier_volume_of_the_name_is_not_taken_for_the_new_one() -> None:
    elsewhere = mounted(mountpoint="/mnt/acs_mnt/ossfs/photos")
    planned = planned_on(elsewhere)
    assert planned.is_empty
    assert planned.problems[0].message == "volume photos is not mounted yet"


def held(*found: SubPathCurrent) -> Any:
    (mount,) = mounted().values()
    return {"photos": mount.model_copy(update={"sub_paths": found})}


@pytest.mark.parametrize(
    ("mounts", "definite", "message"),
    [
        (held(), False, "app in volume photos is not looked for yet"),
        (
            held(SubPathCurrent(path="app", reason="app leads through a symbolic link")),
            True,
            "volume photos: app leads through a symbolic link",
        ),
        (STUCK, False, "volume photos is stuck: no answer for 40 s"),
    ],
)
def test_nothing_starts_on_a_directory_that_mountd_does_not_hold(
    mounts: Any, definite: bool, message: str
) -> None:
    desired = orders(a_slot(spec=sharing(sub_path="app")), mounts=[a_mount()])
    planned = plan(desired, an_observation(mounts=mounts))
    assert planned.is_empty
    assert [(p.definite, p.message) for p in planned.problems] == [(definite, message)]


def test_a_container_is_made_for_the_place_of_its_directory_and_runs_on_if_that_changes() -> None:
    spec = sharing(sub_path="app")
    desired = orders(a_slot(spec=spec), mounts=[a_mount()])
    first, second = (held(SubPathCurrent(path="app", place=f".sub/{n}")) for n in "12")
    create = plan(desired, an_observation(mounts=first)).additions[0]
    assert isinstance(create, CreateContainer)
    assert create.labels.mounts == (("nas/photos", "i1"), ("nas/photos/app", ".sub/1"))
    running = a_container(spec=spec, mounts=dict(create.labels.mounts))
    assert plan(desired, an_observation(running, mounts=second)).is_empty
    again = plan(desired, an_observation(exited(running), mounts=second))
    assert kinds(again) == ["RemoveContainer", "CreateContainer", "StartContainer"]
    assert sub_paths(desired) == {"nas/photos": ("app",)}


def test_whoever_takes_a_container_s_volumes_waits_for_them_too() -> None:
    backup = a_spec("web:2", volumes_from=("shop_web_1:ro", "shop_backup_1:rw"))
    desired = orders(a_slot(spec=SPEC), a_slot("backup", spec=backup), mounts=[a_mount()])
    planned = plan(desired, an_observation(mounts=STUCK))
    assert planned.is_empty
    assert [problem.service for problem in planned.problems] == ["backup", "web"]
    create = plan(desired, an_observation(mounts=mounted())).additions[0]
    assert isinstance(create, CreateContainer)
    assert create.labels.mounts == (("nas/photos", "i1"),)
