"""An agent's numbers."""

from typing import get_args

from prometheus_client.parser import text_string_to_metric_families

from agent.domain import actions
from agent.metrics import _ACTIONS, Metrics
from schemas.current import EngineCurrent, MountCurrent, NodeCurrent
from schemas.states import EngineState, MountState

STUCK = MountCurrent(name="photos", state=MountState.STUCK)
FINE = MountCurrent(name="music", state=MountState.MOUNTED)


def samples(metrics: Metrics, *mounts: MountCurrent) -> dict[str, float]:
    """Those about mounts, by name and labels."""
    newest = NodeCurrent(
        node="n1",
        boot_id="b",
        agent_version="1",
        address="10.0.0.1",
        engine=EngineCurrent(state=EngineState.READY),
        mounts=mounts,
    )
    text = metrics.render(newest, is_connected=True, is_saved=True, dropped=0, hanging=3).decode()
    return {
        " ".join(
            (one.name.removeprefix("troopers_agent_"), *dict(sorted(one.labels.items())).values())
        ): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if "mount" in one.name
    }


def test_every_state_of_mounts_is_counted_also_those_that_none_is_in() -> None:
    metrics = Metrics()
    for mounts in ((STUCK, FINE), ()):
        shown = samples(metrics, *mounts)
        assert {shown[f"mounts {state}"] for state in MountState} == ({0, 1} if mounts else {0})
    assert shown["mount_processes_hanging"] == 3


def test_an_alert_can_say_which_volume_is_stuck() -> None:
    metrics = Metrics()
    assert samples(metrics, STUCK, FINE)["mount_state stuck photos"] == 1
    later = samples(metrics, STUCK.model_copy(update={"state": MountState.MOUNTED}))
    assert later["mount_state mounted photos"] == 1
    assert "mount_state stuck photos" not in later
    assert "mount_state mounted music" not in later


def test_every_action_has_a_word_that_a_renamed_class_does_not_change() -> None:
    assert set(_ACTIONS) == set(get_args(actions.Action))
    assert all(word == word.lower() for word in _ACTIONS.values())


def test_events_that_were_dropped_are_counted_once() -> None:
    metrics = Metrics()
    for dropped in (2, 2, 5):
        text = metrics.render(None, is_connected=True, is_saved=True, dropped=dropped, hanging=0)
    assert "troopers_agent_events_dropped_total 5.0" in text.decode()


def test_a_mountd_that_does_not_answer_is_shown() -> None:
    metrics = Metrics()
    unknown = FINE.model_copy(update={"is_known": False})
    assert [samples(metrics, mount)["mountd_answers"] for mount in (FINE, unknown)] == [1, 0]
