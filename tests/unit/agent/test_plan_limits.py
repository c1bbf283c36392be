"""Rules of a plan about networks, volumes, failures, the unknown, and what is under way."""

import pytest

from agent.domain.actions import (
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from agent.domain.observation import Attempts, resource_key
from agent.domain.plan import Plan, plan
from schemas.names import SlotKey
from schemas.service import NetworkAttachment
from schemas.states import Wanted
from tests.fakes.orders import a_network, a_slot, a_spec, a_volume, joining, orders
from tests.unit.agent.seen import NOW, a_container, an_observation

KEY = SlotKey("shop", "web", 1)
FULL = a_spec(
    networks=joining(), volumes=({"type": "volume", "source": "shop_db", "target": "/db"},)
)


def kinds(planned: Plan) -> list[str]:
    return [type(action).__name__ for action in planned.actions]


def test_a_network_goes_with_the_last_container_of_its_project() -> None:
    desired = orders(a_slot(spec=FULL, wanted=Wanted.ABSENT))
    planned = plan(desired, an_observation(a_container(spec=FULL), networks=["shop_default"]))
    assert [type(a) for a in planned.removals] == [StopContainer, RemoveContainer, RemoveNetwork]


def test_a_network_stays_while_its_project_has_a_slot_here() -> None:
    desired = orders(a_slot(wanted=Wanted.STOPPED), networks=[a_network()])
    assert plan(desired, an_observation(networks=["shop_default"])).is_empty


def test_a_volume_goes_only_when_it_is_wanted_absent_and_nothing_uses_it() -> None:
    absent = a_volume(wanted=Wanted.ABSENT)
    observed = an_observation(a_container(spec=FULL), volumes=["shop_db"])
    assert plan(orders(volumes=[absent]), observed).is_empty
    gone = orders(a_slot(spec=FULL, wanted=Wanted.ABSENT), volumes=[absent])
    assert isinstance(plan(gone, observed).removals[-1], RemoveVolume)
    kept = orders(a_slot(spec=FULL, wanted=Wanted.ABSENT), volumes=[a_volume()])
    assert not any(isinstance(a, RemoveVolume) for a in plan(kept, observed).actions)


def test_a_network_that_could_not_be_removed_waits() -> None:
    key = resource_key("shop", "shop_default")
    attempts = {key: Attempts(failures=1, last_failure_at=NOW - 0.25)}
    planned = plan(orders(), an_observation(networks=["shop_default"], attempts=attempts))
    assert planned.is_empty
    assert planned.retry_at == NOW + 0.75


def test_a_failed_action_waits_and_stays_visible_when_tried_again() -> None:
    attempts = Attempts(failures=2, last_failure_at=NOW, code="port_taken", message="80 is taken")
    desired = orders(a_slot())
    waiting = plan(desired, an_observation(attempts={KEY: attempts}))
    assert waiting.is_empty
    assert waiting.retry_at == NOW + 2
    trying = plan(desired, an_observation(attempts={KEY: attempts}, now=NOW + 2))
    assert kinds(trying) == ["CreateContainer", "StartContainer"]
    assert [p.code for p in waiting.problems + trying.problems] == ["port_taken"] * 2


def test_an_unreadable_engine_plans_nothing() -> None:
    planned = plan(orders(a_slot()), an_observation(containers=None))
    assert planned.is_empty
    assert planned.is_blind


@pytest.mark.parametrize("part", ["networks", "volumes", "images"])
def test_an_unreadable_part_creates_nothing_but_lets_go(part: str) -> None:
    desired = orders(a_slot(), a_slot("old", wanted=Wanted.ABSENT))
    planned = plan(desired, an_observation(a_container("old"), **{part: None}))
    assert kinds(planned) == ["StopContainer", "RemoveContainer"]
    assert planned.is_blind


def test_a_slot_at_work_is_left_alone() -> None:
    running = StartContainer(KEY)
    planned = plan(orders(a_slot()), an_observation(in_flight=frozenset({running})))
    assert planned.is_empty


@pytest.mark.parametrize(
    ("told", "overtakes"),
    [
        ({"stop_signal": "KILL"}, True),
        ({"stop_timeout_s": 1.0}, True),
        ({"stop_timeout_s": 90.0}, False),
        ({"stop_timeout_s": 60.0}, False),
    ],
)
def test_only_a_more_urgent_stop_overtakes(told: dict[str, object], overtakes: bool) -> None:
    seen = a_container()
    slow = StopContainer(KEY, seen.id, "", 60.0)
    slot = a_slot(wanted=Wanted.STOPPED, **told)  # type: ignore[arg-type]
    planned = plan(orders(slot), an_observation(seen, in_flight=frozenset({slow})))
    assert kinds(planned) == (["StopContainer"] if overtakes else [])


def test_a_network_of_nobody_we_know_is_not_made() -> None:
    spec = a_spec(networks=(NetworkAttachment(name="elsewhere"),))
    planned = plan(orders(a_slot(spec=spec)), an_observation())
    assert kinds(planned) == ["CreateContainer", "StartContainer"]
