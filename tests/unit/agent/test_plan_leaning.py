"""Containers that live in another one's network, processes or memory."""

from typing import Any

import pytest

from agent.domain.actions import CreateContainer, StartContainer
from agent.domain.claims import must_wait
from agent.domain.leaning import leans_on, namespace_owners
from agent.domain.plan import plan
from tests.fakes.orders import a_slot, a_spec, orders
from tests.unit.agent.seen import NOW, a_container, an_observation

OWNER = "shop_db_1"


def _kinds(spec_of_web: dict[str, Any], **owner: Any) -> list[str]:
    spec = a_spec(**spec_of_web)
    desired = orders(a_slot(spec=spec), a_slot("db"))
    found = plan(desired, an_observation(a_container(spec=spec), a_container("db", **owner)))
    return [type(action).__name__ for action in found.actions]


@pytest.mark.parametrize("mode", ["network_mode", "pid_mode", "ipc_mode"])
def test_who_lives_in_a_container_that_runs_anew_is_made_anew(mode: str) -> None:
    spec = {mode: f"container:{OWNER}"}
    assert _kinds(spec) == []
    assert _kinds(spec, started_at=NOW - 200) == []
    assert _kinds(spec, started_at=NOW - 1) == [
        "StopContainer",
        "RemoveContainer",
        "CreateContainer",
        "StartContainer",
    ]


def test_who_shares_nothing_is_not_touched() -> None:
    assert _kinds({}, started_at=NOW - 1) == []
    assert _kinds({"volumes_from": (f"{OWNER}:rw",)}, started_at=NOW - 1) == []


def test_an_owner_that_does_not_run_changes_nothing_yet() -> None:
    spec = {"network_mode": f"container:{OWNER}"}
    found = _kinds(spec, started_at=None, status="created")
    assert found == ["StartContainer"]


def test_a_container_that_never_ran_is_bound_to_the_owner_it_was_made_for() -> None:
    spec = a_spec(network_mode=f"container:{OWNER}")
    unborn = a_container(spec=spec, status="created", started_at=None)
    desired = orders(a_slot(spec=spec), a_slot("db"))
    same = plan(desired, an_observation(unborn, a_container("db")))
    assert [type(action) for action in same.actions] == [StartContainer]
    newer = a_container("db", created_at=NOW - 1)
    assert CreateContainer in {
        type(action) for action in plan(desired, an_observation(unborn, newer)).actions
    }


def test_it_is_created_after_its_owner_and_started_after_it() -> None:
    spec = a_spec(network_mode=f"container:{OWNER}", volumes_from=("other:ro",))
    assert namespace_owners(spec) == {OWNER}
    assert leans_on(spec) == {OWNER, "other"}
    found = plan(orders(a_slot(spec=spec), a_slot("db")), an_observation()).actions
    db, web = (
        {type(action): action for action in found if getattr(action, "key", ("",) * 3)[1] == name}
        for name in ("db", "web")
    )
    assert must_wait(web[CreateContainer], db[CreateContainer])
    assert must_wait(web[StartContainer], db[StartContainer])
    order = [(type(action), getattr(action, "key", ("", ""))[1]) for action in found]
    assert order.index((CreateContainer, "db")) < order.index((CreateContainer, "web"))


def test_it_comes_after_an_owner_whose_name_is_later_in_the_alphabet() -> None:
    spec = a_spec(network_mode="container:shop_zoo_1")
    found = plan(orders(a_slot(spec=spec), a_slot("zoo")), an_observation()).actions
    created = [action.key.service for action in found if isinstance(action, CreateContainer)]
    assert created == ["zoo", "web"]
