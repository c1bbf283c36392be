"""What holds for every plan of what sets prepare and join, whatever is desired and seen."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    CreateContainer,
    DisconnectNetwork,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    StartContainer,
    StopContainer,
)
from agent.domain.claims import must_wait
from agent.domain.observation import Observation
from agent.domain.plan import Plan, plan
from agent.domain.preparing import preparations_current
from schemas.desired import DesiredSlot, NodeDesired
from schemas.states import Wanted
from tests.unit.agent.arbitrary import FOREIGN, documents, observations, settle
from tests.unit.agent.seen import PureNode

ON_CONTAINERS = StopContainer | RemoveContainer | CreateContainer | StartContainer


def changed(desired: NodeDesired, **update: Any) -> NodeDesired:
    slots = tuple(slot.model_copy(update=update) for slot in desired.slots)
    return desired.model_copy(update={"slots": slots})


def named(desired: NodeDesired, slot: DesiredSlot) -> set[str]:
    """The networks that a container of the slot may be in."""
    spec = desired.specs[slot.spec]
    return {one.name for one in (*spec.networks, *slot.joins)}


@given(documents(), observations())
def test_in_the_end_what_is_prepared_is_here_and_what_runs_is_where_it_belongs(
    desired: NodeDesired, observed: Observation
) -> None:
    node = PureNode(observed)
    settle(desired, node)
    assert all(each.image_id for each in preparations_current(desired, node.observed))
    ours = {network.name for network in node.observed.networks or ()}
    by_key = {seen.key: seen for seen in node.observed.containers or ()}
    for slot in desired.slots:
        seen = by_key.get(slot.key)
        if seen is not None and slot.wanted is Wanted.RUNNING:
            assert seen.networks & ours == named(desired, slot) & ours
            assert {one.name for one in slot.joins} <= seen.networks


@given(documents(), observations())
def test_neither_preparing_nor_joining_changes_what_is_done_to_containers(
    desired: NodeDesired, observed: Observation
) -> None:
    def on_containers(of: NodeDesired) -> list[Action]:
        return [each for each in plan(of, observed).actions if isinstance(each, ON_CONTAINERS)]

    assert on_containers(desired) == on_containers(changed(desired, prepares=None, joins=()))


@given(documents(), observations())
def test_no_image_is_pulled_twice_at_once(desired: NodeDesired, observed: Observation) -> None:
    def pulls(planned: Plan) -> list[str]:
        return [each.reference for each in planned.actions if isinstance(each, PullImage)]

    first = plan(desired, observed)
    assert len(pulls(first)) == len(set(pulls(first)))
    under_way = frozenset(each for each in first.actions if isinstance(each, PullImage))
    again = plan(desired, replace(observed, in_flight=under_way))
    assert not set(pulls(again)) & set(pulls(first))


@given(documents(), observations())
def test_only_networks_of_ours_are_left_and_only_unused_ones_removed(
    desired: NodeDesired, observed: Observation
) -> None:
    ours = {network.name for network in observed.networks or ()}
    planned = plan(desired, observed)
    left = [each for each in planned.actions if isinstance(each, DisconnectNetwork)]
    assert {each.network for each in left} <= ours - {FOREIGN}
    parted = {(each.container_id, each.network) for each in left}
    gone = {each.container_id for each in planned.actions if isinstance(each, RemoveContainer)}
    for action in planned.actions:
        if isinstance(action, RemoveNetwork):
            assert not [
                seen
                for seen in observed.containers or ()
                if action.name in seen.networks
                and seen.id not in gone
                and (seen.id, action.name) not in parted
            ]


@given(documents(), observations(), st.sampled_from(["networks", "images", "containers"]))
def test_on_what_is_unknown_nothing_is_pulled_joined_or_left(
    desired: NodeDesired, observed: Observation, unknown: str
) -> None:
    unread: dict[str, Any] = {unknown: None}
    planned = plan(desired, replace(observed, **unread))
    kinds = {type(action) for action in planned.actions}
    assert not (unknown == "images" and PullImage in kinds)
    if unknown != "images":
        assert not kinds & {ConnectNetwork, DisconnectNetwork, RemoveNetwork}


@given(documents(), observations())
def test_who_is_made_or_started_in_a_network_comes_after_those_that_join_it(
    desired: NodeDesired, observed: Observation
) -> None:
    actions = plan(desired, observed).actions
    for index, join in enumerate(actions):
        if not (isinstance(join, ConnectNetwork) and join.container_id):
            continue
        for later, action in enumerate(actions):
            if isinstance(action, CreateContainer):
                names = {one.name for one in action.spec.networks}
            elif isinstance(action, StartContainer):
                names = set(action.networks)
            else:
                continue
            if join.attachment.name in names:
                assert later > index
                assert must_wait(action, join)
