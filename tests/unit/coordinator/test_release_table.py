"""What is true of every release: it is legal, it moves, and it ends."""

from itertools import chain, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.releases.groups import last_slot, slot_groups
from coordinator.releases.rollouts import is_backwards
from coordinator.releases.steps import is_possible
from coordinator.releases.table import ENDS, TABLE, Intent, Signal, states_of
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind, ReleaseState, Rollout
from tests.unit.coordinator.release_runs import Step, by_itself, signalled, to_the_end, updates

#: what happens to a release whether or not it is well
DISTURBANCES = st.sampled_from(
    [Signal.CONFIRM, Signal.ROLLBACK, Signal.FAILED, Signal.FAILED_BACK, Signal.PULL_FAILED]
)
#: what changes of a project whose update is undone
NUMBERS = {"release", "history", "last_release", "updated", "operation", "replies", "weights"}
fast = settings(max_examples=50, deadline=None)


@st.composite
def runs(draw: st.DrawFn) -> list[Step]:
    """A release from its beginning to its end, with disturbances at any moment."""
    record, steps = draw(updates()), list[Step]()
    while record.release is not None and draw(st.integers(0, 4)):
        signal = draw(DISTURBANCES)
        if is_possible(record.release, signal) and draw(st.booleans()):
            found = [Step(record, signal, signalled(record, signal))]
        else:
            found = list(by_itself(record))[: draw(st.integers(0, 3))]
        steps += found
        record = found[-1].after if found else record
    last = draw(st.sampled_from([Signal.CONFIRM, Signal.ROLLBACK]))
    return steps + list(to_the_end(record, chain([last], repeat(Signal.ROLLBACK))))


@pytest.mark.parametrize("kind", ReleaseKind)
def test_every_signal_leads_to_a_state_of_the_same_kind(kind):
    for (of, state, _), (then, _) in TABLE.items():
        if of is kind:
            assert {state, then} <= states_of(kind)
            assert state not in ENDS


@pytest.mark.parametrize("kind", ReleaseKind)
def test_from_every_state_there_is_a_way_to_an_end(kind):
    ends = set(ENDS)
    while True:
        more = {b for (of, b, _), (then, _) in TABLE.items() if of is kind and then in ends} - ends
        if not more:
            break
        ends |= more
    assert ends >= states_of(kind)


@pytest.mark.parametrize("kind", ReleaseKind)
def test_every_state_can_be_rolled_back(kind):
    for state in states_of(kind) - ENDS:
        assert (kind, state, Signal.ROLLBACK) in TABLE


def test_a_rollback_is_never_rolled_back():
    back = {ReleaseState.ROLLING_BACK, ReleaseState.ROLLBACK_PAUSED}
    for (_, state, _), (then, intents) in TABLE.items():
        if state in back:
            assert then in {*back, ReleaseState.ROLLED_BACK}
            assert Intent.ADVANCE not in intents


def test_what_ends_a_release_is_done_exactly_where_it_ends():
    for then, intents in TABLE.values():
        assert (Intent.FINISH in intents) is (then is ReleaseState.COMPLETED)
        assert (Intent.RESTORE in intents) is (then is ReleaseState.ROLLED_BACK)


def place(record: ProjectRecord) -> dict[str, Rollout]:
    return dict(record.release.rollouts) if record.release else {}


@fast
@given(runs())
def test_every_run_ends_and_every_batch_moves_something(run):
    for each in run:
        if each.signal is not Signal.BATCH_UP:
            continue
        before, after = place(each.before), place(each.after)
        if each.is_back:
            before, after = after, before
        pairs = [(before[name], after[name]) for name in before]
        assert all(old.begun <= new.begun and old.replaced <= new.replaced for old, new in pairs)
        assert before != after
    if run:
        assert run[-1].after.release is None


@fast
@given(runs())
def test_on_the_way_back_it_stays_on_the_way_back(run):
    for each in run:
        if each.before.release and is_backwards(each.before.release):
            then = each.after.release
            assert is_backwards(then) if then else is_rolled_back(each.after)


def is_rolled_back(record: ProjectRecord) -> bool:
    ended = record.last_release
    return ended is not None and ended.outcome is ReleaseState.ROLLED_BACK


@fast
@given(runs())
def test_one_that_is_rolled_back_leaves_the_record_as_it_was(run):
    if run and is_rolled_back(run[-1].after):
        before, after = run[0].before, run[-1].after
        assert after.services is before.services or after.services == before.services
        assert after.model_dump(exclude=NUMBERS) == before.model_dump(exclude=NUMBERS)


@fast
@given(runs())
def test_one_that_is_completed_leaves_exactly_its_target(run):
    if run and not is_rolled_back(run[-1].after):
        after, release = run[-1].after, run[-1].before.release
        assert after.services == release.target.services
        assert (after.version, after.revision) == (release.target.version, release.target.revision)


@fast
@given(runs())
def test_a_blue_green_release_wants_its_whole_current_set_until_it_is_completed(run):
    for each in run:
        release = each.after.release
        if release is None or release.kind is not ReleaseKind.BLUE_GREEN:
            continue
        current = {g.key: (g.first, g.last) for g in slot_groups(each.after) if not g.is_next}
        assert current == {
            ("shop", name, service.set_name): (1, last_slot(service))
            for name, service in each.after.services.items()
        }
