"""From what is seen of a release to what has happened: when, and when not yet."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.releases.sensing import DEADLINE_S, ROUTERS_S, Batch, Pulls, Seen, Sense, sense
from coordinator.releases.steps import is_possible
from coordinator.releases.table import Signal
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ReleaseState, Rollout
from schemas.template import UpdatePolicy
from tests.builders import a_project, a_service
from tests.releases import an_update, anywhere
from tests.unit.coordinator.release_runs import updates

STANDARD, BLUE_GREEN = ReleaseKind.STANDARD, ReleaseKind.BLUE_GREEN
_S = ReleaseState

COUNTS = st.integers(0, 4)
TIMES = st.sampled_from([0.0, 1.0, 5.0, DEADLINE_S, 2 * DEADLINE_S])


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    missing, failed = draw(COUNTS), draw(COUNTS)
    both = draw(st.integers(0, min(missing, failed)))
    up_for_s, missing_for_s, leaving = draw(TIMES), draw(TIMES), draw(COUNTS)
    return Batch(
        *(4, missing, failed, both, leaving), up_for_s=up_for_s, missing_for_s=missing_for_s
    )


@st.composite
def sights(draw: st.DrawFn) -> tuple[ProjectRecord, Seen]:
    record = draw(updates().flatmap(anywhere))
    assert record.release is not None
    confirmed = draw(st.sampled_from(["", "smooth"]))
    record = record.model_copy(
        update={"release": record.release.model_copy(update={"confirmed": confirmed})}
    )
    assert record.release is not None
    names = sorted(record.release.rollouts)
    seen = draw(st.sets(st.sampled_from(names))) if names else ()
    return record, Seen(
        pulls=draw(st.sampled_from(Pulls)),
        batches={name: draw(batches()) for name in seen},
        is_routed=draw(st.booleans()),
        is_applied=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(sights())
def test_whatever_is_seen_only_what_is_possible_has_happened(sight):
    record, seen = sight
    found = sense(record, record.release, seen)
    assert found.signal is None or is_possible(record.release, found.signal)


@settings(max_examples=50, deadline=None)
@given(sights())
def test_what_nodes_can_t_know_yet_says_nothing_of_containers(sight):
    record, seen = sight
    if not seen.is_applied:
        ways = {Signal.PULLED, Signal.PULL_FAILED, Signal.FAILED_BACK, Signal.ROUTED, None}
        assert sense(record, record.release, seen).signal in ways


def a_release(
    kind: ReleaseKind = STANDARD,
    state: ReleaseState = _S.UPDATING,
    *,
    begun: int = 4,
    confirmed: str = "",
    **policy: Any,
) -> ProjectRecord:
    """An update of `web`, of four containers two at a time, as far as `begun`."""
    update = UpdatePolicy.model_validate({"parallelism": 2, "monitor_s": 5.0, **policy})
    old = a_service("web", scale=4)
    template = a_service("web", scale=4, image="web:2").template
    template = template.model_copy(update={"update": update, "rollback": update})
    record = an_update(a_project(old), [template], kind)
    changed = {
        "state": state,
        "confirmed": confirmed,
        "rollouts": {"web": Rollout(begun=begun, replaced=0 if kind is BLUE_GREEN else begun)},
    }
    assert record.release is not None
    return record.model_copy(update={"release": record.release.model_copy(update=changed)})


def look(record: ProjectRecord, **batch: Any) -> Sense:
    assert record.release is not None
    seen = Seen(pulls=Pulls.READY, batches={"web": Batch(**{"total": 4, **batch})})
    return sense(record, record.release, seen)


def failing(record: ProjectRecord, count: int) -> Signal | None:
    return look(record, missing=count, failed=count, failed_missing=count, up_for_s=99.0).signal


@pytest.mark.parametrize(
    ("ratio", "failed", "signal"),
    [
        (0.0, 1, Signal.FAILED),
        (0.25, 1, Signal.ALL_UP),
        (0.25, 2, Signal.FAILED),
        (0.5, 2, Signal.ALL_UP),
        (1.0, 4, Signal.ALL_UP),
    ],
)
def test_as_many_may_fail_as_the_template_says(ratio, failed, signal):
    assert failing(a_release(max_failure_ratio=ratio), failed) is signal


@pytest.mark.parametrize(
    ("action", "kind", "signal"),
    [
        ("pause", STANDARD, Signal.FAILED),
        ("rollback", STANDARD, Signal.FAILED_BACK),
        ("continue", STANDARD, Signal.ALL_UP),
        ("pause", BLUE_GREEN, Signal.FAILED),
        ("rollback", BLUE_GREEN, Signal.FAILED),
        ("continue", BLUE_GREEN, Signal.FAILED),
    ],
)
def test_what_fails_pauses_a_blue_green_release_and_else_does_what_the_template_says(
    action, kind, signal
):
    assert failing(a_release(kind, failure_action=action), 1) is signal


def test_one_that_was_confirmed_after_a_pause_takes_failures_as_they_are():
    assert failing(a_release(confirmed="smooth"), 4) is Signal.ALL_UP


def test_a_way_back_that_somebody_insists_on_goes_on_whatever_fails():
    record = a_release(state=_S.ROLLING_BACK, begun=0, confirmed="smooth")
    assert failing(record, 4) is not Signal.FAILED
    assert failing(a_release(state=_S.ROLLING_BACK, begun=0), 1) is Signal.FAILED


@pytest.mark.parametrize(
    ("state", "waiting_for_s", "signal"),
    [
        (_S.CONFIRMING, ROUTERS_S - 1, None),
        (_S.CONFIRMING, ROUTERS_S, Signal.FAILED),
        # What it goes back to has run all the time.
        (_S.ROLLING_BACK, ROUTERS_S - 1, None),
        (_S.ROLLING_BACK, ROUTERS_S, Signal.ROUTED),
    ],
)
def test_a_router_that_does_not_apply_new_routes_is_waited_for_within_bounds(
    state, waiting_for_s, signal
):
    record = a_release(BLUE_GREEN, state)
    assert record.release is not None
    batches = {"web": Batch(total=4, up=4, up_for_s=99.0)}
    seen = Seen(batches=batches, routers="router edge", waiting_for_s=waiting_for_s)
    found = sense(record, record.release, seen)
    assert found.signal is signal
    assert signal is not Signal.FAILED or "router edge" in found.message


def test_a_batch_whose_nodes_are_all_down_proves_nothing():
    assert look(a_release(), left_behind=2, up=2, up_for_s=99.0).signal is Signal.ALL_UP
    assert look(a_release(), left_behind=4, up_for_s=99.0).signal is None


@pytest.mark.parametrize("state", [_S.PAUSED, _S.ROLLBACK_PAUSED])
def test_a_pause_is_told_once(state):
    assert failing(a_release(state=state), 4) is None


@pytest.mark.parametrize(
    ("missing_for_s", "signal"), [(DEADLINE_S - 1, None), (DEADLINE_S, Signal.FAILED)]
)
def test_what_isn_t_up_by_its_deadline_has_failed(missing_for_s, signal):
    found = look(a_release(), missing=1, missing_for_s=missing_for_s)
    assert found.signal is signal
    if signal is None:
        assert found.look_in_s == 1.0


@pytest.mark.parametrize(("up_for_s", "signal"), [(4.0, None), (5.0, Signal.ALL_UP)])
def test_the_last_batch_is_watched_for_as_long_as_the_template_says(up_for_s, signal):
    found = look(a_release(monitor_s=5.0), up_for_s=up_for_s)
    assert (found.signal, found.look_in_s) == (signal, None if signal else 1.0)


def test_both_sets_of_a_blue_green_release_run_on_and_aren_t_watched():
    assert look(a_release(BLUE_GREEN)).signal is Signal.ALL_UP


@pytest.mark.parametrize(("up_for_s", "signal"), [(9.0, None), (10.0, Signal.BATCH_UP)])
def test_between_two_batches_there_is_a_delay(up_for_s, signal):
    found = look(a_release(begun=2, delay_s=10.0), up_for_s=up_for_s)
    assert (found.signal, found.look_in_s) == (signal, None if signal else 1.0)


def test_before_the_first_batch_there_is_no_delay():
    assert look(a_release(begun=0, delay_s=10.0)).signal is Signal.BATCH_UP


@pytest.mark.parametrize(
    ("pulls", "kind", "action", "signal"),
    [
        (Pulls.GOING, STANDARD, "rollback", None),
        (Pulls.READY, STANDARD, "rollback", Signal.PULLED),
        (Pulls.FAILED, STANDARD, "pause", Signal.PULL_FAILED),
        (Pulls.FAILED, STANDARD, "rollback", Signal.FAILED_BACK),
        (Pulls.FAILED, BLUE_GREEN, "rollback", Signal.PULL_FAILED),
    ],
)
def test_images_that_can_t_be_had_are_told_once(pulls, kind, action, signal):
    record = a_release(kind, _S.PULLING, failure_action=action)
    release = record.release
    assert release
    assert sense(record, release, Seen(pulls=pulls)).signal is signal
    told = release.model_copy(update={"state": _S.PULL_FAILED})
    if pulls is Pulls.FAILED:
        assert sense(record, told, Seen(pulls=pulls)).signal is None


@pytest.mark.parametrize("state", [_S.CONFIRMING, _S.ROLLING_BACK])
def test_a_set_goes_once_routers_have_its_weights(state):
    record = a_release(BLUE_GREEN, state)
    assert record.release
    batches = {"web": Batch(total=4)}
    for is_routed, signal in ((False, None), (True, Signal.ROUTED)):
        seen = Seen(batches=batches, is_routed=is_routed)
        assert sense(record, record.release, seen).signal is signal
