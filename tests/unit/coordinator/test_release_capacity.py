"""How many containers of a service there are while it is released, whatever else happens."""

from itertools import chain, repeat

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.releases.groups import slot_groups
from coordinator.releases.rollouts import Change, changes_of
from coordinator.releases.table import Signal
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ReleaseKind
from tests.unit.coordinator.release_runs import (
    NODES,
    Step,
    by_itself,
    signalled,
    to_the_end,
    updates,
)

fast = settings(max_examples=60, deadline=None)
STANDARD = st.just(ReleaseKind.STANDARD)


@st.composite
def runs(draw: st.DrawFn) -> list[Step]:
    """A rolling update of which every batch comes up; perhaps it is rolled back after some."""
    record = draw(updates(STANDARD))
    forwards = list(by_itself(record))
    steps = forwards[: draw(st.integers(0, len(forwards)))]
    there = steps[-1].after if steps else record
    if there.release is None:
        return steps
    back = signalled(there, Signal.ROLLBACK)
    ways = chain([Signal.ROLLBACK], repeat(Signal.ROLLBACK))
    return [*steps, Step(there, Signal.ROLLBACK, back), *to_the_end(back, ways)]


def slots(record: ProjectRecord, name: str, *, is_held: bool = False) -> dict[SlotKey, bool]:
    """The slots of a service, with whether they are of the next set."""
    found: dict[SlotKey, bool] = {}
    for group in slot_groups(record):
        if group.key.service == name and group.is_held is is_held:
            for number in NODES if group.record.template.is_global else ():
                if group.has(number):
                    key = SlotKey("shop", name, number, group.key.set_name)
                    assert found.setdefault(key, group.is_next) is group.is_next, "wanted twice"
            for key in () if group.record.template.is_global else group.slots():
                assert key not in found, "wanted twice"
                found[key] = group.is_next
    return found


def sizes(change: Change) -> tuple[int, int]:
    """How many containers of the service there were, and how many there are to be."""
    pair = [change.old, change.new]
    old, new = (
        0 if each is None else len(NODES) if each.template.is_global else each.scale
        for each in pair
    )
    return old, new


def batch(change: Change, *, is_back: bool) -> int:
    """The most that go over at once."""
    size = change.policy(is_back=is_back).parallelism
    return size or max(sizes(change))


def rolled(run: list[Step]) -> list[tuple[Step, Change]]:
    """Every step of a service that was there before."""
    return [
        (each, change)
        for each in run
        if each.before.release and each.after.release
        for change in changes_of(each.after, each.after.release).values()
        if change.old is not None
    ]


@fast
@given(runs())
def test_enough_containers_are_up_while_the_next_batch_comes(run):
    for each, change in rolled(run):
        before, after = slots(each.before, change.name), slots(each.after, change.name)
        up = [key for key, is_next in after.items() if before.get(key) is is_next]
        goes_down = batch(change, is_back=each.is_back) if change.is_in_place else 0
        assert len(up) >= min(sizes(change)) - goes_down


@fast
@given(runs())
def test_no_more_containers_are_there_than_a_batch_beside_all_others(run):
    for each, change in rolled(run):
        comes_up = 0 if change.is_in_place else batch(change, is_back=each.is_back)
        assert len(slots(each.after, change.name)) <= max(sizes(change)) + comes_up


@fast
@given(runs())
def test_what_is_held_is_not_wanted_running_as_well(run):
    for each in run:
        for name in each.after.release.rollouts if each.after.release else ():
            running, held = slots(each.after, name), slots(each.after, name, is_held=True)
            assert not running.keys() & held.keys()
