"""Networks and volumes that were made otherwise than the template has them now."""

from dataclasses import replace
from typing import Any

import pytest

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    CreateContainer,
    CreateNetwork,
    RemoveNetwork,
    RemoveVolume,
)
from agent.domain.observation import Observation, SeenNetwork, SeenVolume
from agent.domain.plan import plan
from schemas.desired import AddressPlan, AddressPool, DesiredVolume
from schemas.fingerprint import fingerprint, network_fingerprint, volume_fingerprint
from schemas.names import SlotKey
from schemas.states import Wanted
from tests.fakes.orders import a_network, a_slot, a_spec, a_volume, joining, orders
from tests.unit.agent.seen import PureNode, a_container, an_observation

JOINED = a_spec(networks=joining())
MOUNTED = a_spec(volumes=({"type": "volume", "source": "shop_db", "target": "/db"},))
#: as it was made, and as it is wanted now
OLD = a_network()
NEW = OLD.model_copy(update={"internal": True})


def with_network(*containers: Any, **fields: Any) -> Observation:
    seen = SeenNetwork("i", OLD.name, OLD.project, network_fingerprint(OLD))
    return replace(an_observation(*containers, **fields), networks=(seen,))


def with_volume(made: DesiredVolume, *containers: Any) -> Observation:
    seen = SeenVolume(made.name, made.project, volume_fingerprint(made))
    return replace(an_observation(*containers), volumes=(seen,))


@pytest.mark.parametrize(
    "update",
    [
        {"driver": "macvlan"},
        {"options": {"a": "b"}},
        {"labels": {"a": "b"}},
        {"internal": True},
        {"attachable": True},
        {"enable_ipv6": True},
        {"addresses": AddressPlan(pools=(AddressPool(subnet="10.9.0.0/16"),))},
    ],
)
def test_a_network_that_is_used_is_kept_and_told_of(update: dict[str, Any]) -> None:
    wanted = OLD.model_copy(update=update)
    planned = plan(
        orders(a_slot(spec=JOINED), networks=[wanted]), with_network(a_container(spec=JOINED))
    )
    assert planned.is_empty
    (problem,) = planned.problems
    assert (problem.service, problem.code, problem.definite) == ("web", "differs", False)
    assert "network shop_default was made with other options" in problem.message


def test_a_network_as_wanted_is_no_problem() -> None:
    seen = with_network(a_container(spec=JOINED))
    planned = plan(orders(a_slot(spec=JOINED), networks=[OLD]), seen)
    assert (planned.actions, planned.problems) == ((), ())


def test_a_network_of_unknown_making_is_no_problem() -> None:
    planned = plan(
        orders(a_slot(spec=JOINED), networks=[NEW]),
        an_observation(a_container(spec=JOINED), networks=["shop_default"]),
    )
    assert (planned.actions, planned.problems) == ((), ())


def test_a_network_that_nothing_uses_is_made_anew_before_its_containers() -> None:
    desired = orders(a_slot(spec=JOINED), networks=[NEW])
    node = PureNode(with_network())
    planned = plan(desired, node.observed)
    assert [type(action) for action in planned.actions][:3] == [
        RemoveNetwork,
        CreateNetwork,
        CreateContainer,
    ]
    for action in planned.actions:
        node.carry_out(action)
    settled = plan(desired, node.observed)
    assert (settled.actions, settled.problems) == ((), ())


def test_a_network_whose_containers_all_go_is_made_anew_with_them() -> None:
    changed = JOINED.model_copy(update={"tty": True})
    planned = plan(
        orders(a_slot(spec=changed), networks=[NEW]), with_network(a_container(spec=JOINED))
    )
    assert [type(action).__name__ for action in planned.actions] == [
        "StopContainer",
        "RemoveContainer",
        "RemoveNetwork",
        "CreateNetwork",
        "CreateContainer",
        "StartContainer",
    ]


def test_a_network_stays_while_a_container_is_being_made_in_it() -> None:
    (create,) = (
        action
        for action in plan(orders(a_slot(spec=JOINED)), an_observation()).actions
        if isinstance(action, CreateContainer)
    )
    seen = with_network(in_flight=frozenset({create}))
    assert plan(orders(a_slot(spec=JOINED), networks=[NEW]), seen).is_empty


LEFT = an_observation(a_container(), networks=["shop_default", "shop_old"])


def test_a_network_that_the_project_no_longer_has_is_removed() -> None:
    desired = orders(a_slot(), networks=[OLD])
    assert plan(desired, LEFT).actions == (RemoveNetwork("shop", "shop_old"),)
    assert plan(orders(a_slot()), replace(LEFT, networks=None)).is_empty
    assert plan(desired, replace(LEFT, containers=None)).is_empty


@pytest.mark.parametrize("status", ["running", "created", "exited"])
def test_a_network_that_a_container_is_in_is_not_removed(status: str) -> None:
    unmentioned = a_container("other", status=status, networks=frozenset({"shop_old"}))
    observed = replace(LEFT, containers=(a_container(), unmentioned))
    assert plan(orders(a_slot(), networks=[OLD]), observed).is_empty


def test_a_network_that_a_slot_names_is_not_removed() -> None:
    old = joining("shop_old")
    for slot in (
        a_slot(joins=old, wanted=Wanted.STOPPED),
        a_slot(spec=a_spec(networks=old), wanted=Wanted.STOPPED),
        a_slot(spec=a_spec(network_mode="shop_old"), wanted=Wanted.STOPPED),
    ):
        observed = replace(LEFT, containers=())
        assert plan(orders(slot, networks=[OLD]), observed).is_empty


@pytest.mark.parametrize(
    "action",
    [
        ConnectNetwork(SlotKey("shop", "web", 1), "id", joining("shop_old")[0]),
        ConnectNetwork(SlotKey("shop", "web", 1), "", joining("shop_old")[0]),
        CreateNetwork("shop_old", a_network("shop_old")),
    ],
)
def test_a_network_that_an_action_uses_is_not_removed(action: Action) -> None:
    observed = replace(LEFT, in_flight=frozenset({action}))
    assert plan(orders(a_slot(), networks=[OLD]), observed).removals == ()


@pytest.mark.parametrize(
    "update", [{"driver": "rexray"}, {"options": {"type": "nfs"}}, {"labels": {"a": "b"}}]
)
def test_a_volume_is_never_made_anew_and_who_uses_it_says_so(update: dict[str, Any]) -> None:
    desired = orders(
        a_slot(spec=MOUNTED), a_slot("other"), volumes=[a_volume().model_copy(update=update)]
    )
    for containers in ((), (a_container(spec=MOUNTED), a_container("other"))):
        planned = plan(desired, with_volume(a_volume(), *containers))
        assert not [action for action in planned.actions if "Volume" in type(action).__name__]
        (problem,) = planned.problems
        assert (problem.service, problem.code) == ("web", "differs")
        assert "kept with its data" in problem.message


def test_a_slot_that_is_not_to_run_has_no_problem_with_a_volume() -> None:
    slot = a_slot(spec=MOUNTED, wanted=Wanted.STOPPED)
    wanted = a_volume(options={"type": "nfs"})
    assert plan(orders(slot, volumes=[wanted]), with_volume(a_volume())).problems == ()


def test_a_worse_problem_is_told_first() -> None:
    crashed = a_container(spec=MOUNTED, fingerprint=fingerprint(MOUNTED), is_vague=True)
    desired = orders(a_slot(spec=MOUNTED), volumes=[a_volume(options={"type": "nfs"})])
    (problem,) = plan(desired, with_volume(a_volume(), crashed)).problems
    assert problem.code == "engine"


@pytest.mark.parametrize(("owner", "goes"), [("shop", True), ("other", False)])
def test_an_order_to_remove_a_volume_is_about_its_projects_own(owner: str, goes: bool) -> None:
    made = a_volume().model_copy(update={"project": owner})
    planned = plan(orders(volumes=[a_volume(wanted=Wanted.ABSENT)]), with_volume(made))
    gone = [action.name for action in planned.removals if isinstance(action, RemoveVolume)]
    assert gone == (["shop_db"] if goes else [])
