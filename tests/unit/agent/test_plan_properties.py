"""What holds for every plan, whatever is desired and seen."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.actions import (
    Action,
    CreateContainer,
    RemoveContainer,
    StartContainer,
    StopContainer,
    slot_of,
)
from agent.domain.observation import Observation
from agent.domain.plan import Plan, plan
from agent.domain.shares import mount_paths
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.states import Wanted
from tests.unit.agent.arbitrary import PASSES, documents, mount_states, observations, settle
from tests.unit.agent.seen import PureNode, mounted


def _without(observed: Observation, unknown: set[str]) -> Observation:
    parts: dict[str, Any] = dict.fromkeys(unknown)
    return replace(observed, **parts)


@given(documents(), observations(), st.randoms(use_true_random=False))
def test_the_same_gives_the_same_in_whatever_order(
    desired: NodeDesired, observed: Observation, random: Random
) -> None:
    slots, containers = list(desired.slots), list(observed.containers or ())
    random.shuffle(slots)
    random.shuffle(containers)
    shuffled = desired.model_copy(update={"slots": tuple(slots)})
    first = plan(desired, observed)
    assert first == plan(desired, observed)
    assert first == plan(shuffled, replace(observed, containers=tuple(containers)))


@given(documents(), observations())
def test_carrying_plans_out_leaves_nothing_to_do(
    desired: NodeDesired, observed: Observation
) -> None:
    node = PureNode(observed)
    settle(desired, node)
    by_key = {seen.key: seen for seen in node.observed.containers or ()}
    for slot in desired.slots:
        seen = by_key.get(slot.key)
        if slot.wanted is Wanted.ABSENT:
            assert seen is None
        elif slot.wanted is Wanted.STOPPED:
            assert seen is None or not seen.is_running
        else:
            assert seen is not None
            assert seen.fingerprint == slot.spec


@given(documents(), observations(), st.integers(0, 12))
def test_after_any_interruption_the_next_passes_converge(
    desired: NodeDesired, observed: Observation, steps: int
) -> None:
    node = PureNode(observed)
    for action in plan(desired, node.observed).actions[:steps]:
        node.carry_out(action)
    settle(desired, node)


@given(documents(), observations(), documents())
def test_new_orders_in_the_middle_of_old_ones_converge(
    desired: NodeDesired, observed: Observation, newer: NodeDesired
) -> None:
    node = PureNode(observed)
    for action in plan(desired, node.observed).actions[:3]:
        node.carry_out(action)
    settle(newer, node)


@given(documents(), observations())
def test_what_is_not_mentioned_is_never_touched(
    desired: NodeDesired, observed: Observation
) -> None:
    mentioned = {slot.key for slot in desired.slots}
    node = PureNode(observed)
    settle(desired, node)
    for seen in observed.containers or ():
        if seen.key not in mentioned:
            assert seen in (node.observed.containers or ())


@given(documents(), observations())
def test_never_more_containers_than_slots(desired: NodeDesired, observed: Observation) -> None:
    node = PureNode(observed)
    for _ in range(PASSES):
        for action in plan(desired, node.observed).actions:
            if isinstance(action, CreateContainer):
                assert all(seen.key != action.key for seen in node.observed.containers or ())
            node.carry_out(action)


@given(documents(), observations(), st.sets(st.sampled_from(["networks", "volumes", "images"])))
def test_unknown_is_not_absent(
    desired: NodeDesired, observed: Observation, unknown: set[str]
) -> None:
    blind = plan(desired, replace(observed, containers=None))
    assert blind.is_empty
    partly = plan(desired, _without(observed, unknown))
    if unknown:
        assert not any(isinstance(action, CreateContainer) for action in partly.actions)
        full = {a for a in plan(desired, observed).actions if isinstance(a, RemoveContainer)}
        assert {a for a in partly.actions if isinstance(a, RemoveContainer)} <= full


@given(documents(), observations())
def test_slots_at_work_get_no_second_action(desired: NodeDesired, observed: Observation) -> None:
    first = plan(desired, observed)
    again = plan(desired, replace(observed, in_flight=frozenset(first.actions)))
    assert {slot_of(action) for action in again.actions} <= {None}
    assert not set(again.actions) & set(first.actions)


def _sharing_keys(desired: NodeDesired) -> set[SlotKey]:
    """Slots wanted running on a shared volume."""
    sharers = {name for name, spec in desired.specs.items() if mount_paths(desired, spec)}
    return {
        slot.key for slot in desired.slots if slot.spec in sharers and slot.wanted is Wanted.RUNNING
    }


@given(documents(), observations(), mount_states)
def test_nothing_is_begun_on_a_volume_that_is_not_mounted(
    desired: NodeDesired, observed: Observation, mounts: Any
) -> None:
    planned = plan(desired, replace(observed, mounts=mounts))
    if mounts == mounted():
        return
    for action in planned.actions:
        if isinstance(action, CreateContainer | StartContainer):
            assert action.key not in _sharing_keys(desired)


@given(documents(), observations(), mount_states)
def test_a_mount_concerns_nobody_but_its_users(
    desired: NodeDesired, observed: Observation, mounts: Any
) -> None:
    sharing_keys = _sharing_keys(desired)

    def others(planned: Plan) -> list[Action]:
        return [action for action in planned.actions if slot_of(action) not in sharing_keys]

    slots = tuple(slot for slot in desired.slots if slot.key not in sharing_keys)
    without = desired.model_copy(update={"slots": slots})
    planned = plan(without, replace(observed, mounts=mounts))
    assert others(planned) == others(plan(without, observed))


@given(documents(), observations(), st.sampled_from([None, {}]))
def test_a_volume_that_is_unknown_costs_no_container(
    desired: NodeDesired, observed: Observation, mounts: Any
) -> None:
    for action in plan(desired, replace(observed, mounts=mounts)).removals:
        if isinstance(action, StopContainer | RemoveContainer):
            assert action.key not in _sharing_keys(desired)


@given(documents(), observations(), mount_states, st.integers(0, 12))
def test_whatever_a_mount_went_through_the_next_passes_converge(
    desired: NodeDesired, observed: Observation, mounts: Any, steps: int
) -> None:
    node = PureNode(replace(observed, mounts=mounts))
    for action in plan(desired, node.observed).actions[:steps]:
        node.carry_out(action)
    node.observed = replace(node.observed, mounts=mounted())
    settle(desired, node)
    for seen in node.observed.containers or ():
        if seen.key in _sharing_keys(desired) and seen.is_running:
            assert seen.mounts == {"nas/photos": "i1"}
