"""What the node says of itself: what is, not what was asked."""

from dataclasses import replace

from agent.domain.actions import StopContainer
from agent.domain.observation import Observation, SeenVolume
from agent.domain.plan import Plan, plan
from agent.domain.status import EngineView, Identity, node_current
from schemas.current import EngineCurrent, NodeCurrent
from schemas.desired import NodeDesired
from schemas.states import EngineState, Wanted
from tests.fakes.orders import a_slot, orders
from tests.unit.agent.seen import a_container, an_observation, exited

STOP = StopContainer(a_container().key, a_container().id, signal="", timeout_s=10.0)


def told(desired: NodeDesired, *seen: object, **fields: object) -> NodeCurrent:
    return told_of(desired, an_observation(*seen, **fields))  # type: ignore[arg-type]


def told_of(desired: NodeDesired, observed: Observation) -> NodeCurrent:
    engine = EngineView(EngineCurrent(state=EngineState.READY))
    planned: Plan = plan(desired, observed)
    return node_current(Identity("n1", "b1", "0", "10.0.0.1"), engine, desired, observed, planned)


def test_a_container_whose_stop_was_begun_is_said_to_be_stopping_though_it_is_wanted_again() -> (
    None
):
    status = told(orders(a_slot()), a_container(), in_flight=frozenset({STOP}))
    assert [(each.running, each.stopping) for each in status.containers] == [(True, True)]


def test_a_container_that_this_pass_will_stop_is_said_to_be_stopping() -> None:
    status = told(orders(a_slot(wanted=Wanted.STOPPED)), a_container())
    assert status.containers[0].stopping


def test_a_container_that_nobody_stops_or_that_has_stopped_is_not() -> None:
    assert not told(orders(a_slot()), a_container()).containers[0].stopping
    ended = told(orders(a_slot()), exited(a_container()), in_flight=frozenset({STOP}))
    assert not ended.containers[0].stopping


def test_local_volumes_are_told_with_the_projects_that_they_were_made_for() -> None:
    seen = (SeenVolume("data", "shop"), SeenVolume("a", "other"), SeenVolume("db", "shop"))
    status = told_of(orders(), replace(an_observation(), volumes=seen))
    assert status.volumes == ("a", "data", "db")
    assert status.volumes_of == {"other": ("a",), "shop": ("data", "db")}
