"""Networks that a container is in besides those of its spec, and those that it must leave."""

from dataclasses import replace
from typing import Any

import pytest

from agent.domain.actions import (
    ConnectNetwork,
    CreateContainer,
    CreateNetwork,
    DisconnectNetwork,
    StartContainer,
)
from agent.domain.attempts import fold
from agent.domain.claims import must_wait
from agent.domain.joins import fold_joining
from agent.domain.observation import Observation, SeenContainer
from agent.domain.outcomes import Blocked, Failed, Outcome, Succeeded
from agent.domain.plan import Plan, plan
from agent.errors import EngineFailed
from schemas.desired import NodeDesired
from schemas.names import SlotKey
from schemas.service import NetworkAttachment
from schemas.states import Wanted
from tests.fakes.orders import a_network, a_slot, a_spec, joining, orders
from tests.unit.agent.seen import NOW, PureNode, a_container, an_observation, exited

OWN, NEXT = "shop_default", "shop_default_r000000007"
NETWORKS = [a_network(OWN), a_network(NEXT)]
SPEC = a_spec(networks=joining(OWN))
JOINS = (NetworkAttachment(name=NEXT, aliases=("db",)),)
KEY = SlotKey("shop", "db", 1)
DB = a_container("db", spec=SPEC)
REFUSAL = EngineFailed("connect shop_db_1 to it: no address left")


def joined(seen: SeenContainer = DB, *names: str) -> SeenContainer:
    return replace(seen, networks=seen.networks | set(names or (NEXT,)))


def document(joins: tuple[NetworkAttachment, ...] = JOINS, **slot: Any) -> NodeDesired:
    """`db` is shared by two sets; with it, what `others` says."""
    others = slot.pop("others", ())
    spec = slot.pop("spec", SPEC)
    return orders(a_slot("db", spec=spec, joins=joins, **slot), *others, networks=NETWORKS)


def seen(*containers: SeenContainer, **fields: Any) -> Observation:
    return an_observation(*containers, **({"networks": [OWN, NEXT]} | fields))


def kinds(planned: Plan) -> list[str]:
    return [type(action).__name__ for action in planned.actions]


def after(desired: NodeDesired, observed: Observation, *outcomes: Outcome) -> Observation:
    return replace(
        observed,
        attempts=fold(desired, observed, outcomes),
        joining=fold_joining(desired, observed, outcomes),
    )


@pytest.mark.parametrize("status", ["running", "paused", "created"])
def test_a_container_joins_as_it_is(status: str) -> None:
    shown = replace(DB, status=status)
    planned = plan(document(), seen(shown))
    assert planned.actions[0] == ConnectNetwork(KEY, DB.id, JOINS[0])
    assert planned.removals == ()


def test_a_container_that_has_ended_joins_and_is_started() -> None:
    assert kinds(plan(document(), seen(exited(DB)))) == ["ConnectNetwork", "StartContainer"]


def test_a_container_that_is_in_them_is_left_alone() -> None:
    assert plan(document(), seen(joined())).is_empty


def test_the_network_is_made_first_and_only_what_is_made_in_it_waits() -> None:
    web = a_slot("web", spec=a_spec(networks=joining(NEXT)), set_name="r7")
    other = a_slot("other", spec=SPEC)
    planned = plan(document(others=[web, other]), seen(DB, networks=[OWN]))
    create_network, connect, *rest = planned.actions
    assert isinstance(create_network, CreateNetwork)
    assert isinstance(connect, ConnectNetwork)
    assert must_wait(connect, create_network)
    waiting = {
        action.key.service
        for action in rest
        if isinstance(action, CreateContainer) and must_wait(action, connect)
    }
    assert waiting == {"web"}


def test_a_start_in_the_network_waits_and_that_of_the_joining_container_does_not() -> None:
    web = a_container("web", spec=a_spec(networks=joining(NEXT)))
    slot = a_slot("web", spec=a_spec(networks=joining(NEXT)))
    planned = plan(document(others=[slot]), seen(exited(DB), exited(web)))
    (connect,) = (each for each in planned.actions if isinstance(each, ConnectNetwork))
    starts = [each for each in planned.actions if isinstance(each, StartContainer)]
    assert {each.key.service: must_wait(each, connect) for each in starts} == {
        "db": False,
        "web": True,
    }


def test_who_leaves_the_network_holds_up_nobody_who_joins_it() -> None:
    web = a_container("web", spec=a_spec(networks=joining(NEXT)))
    gone = a_slot("web", spec=a_spec(networks=joining(NEXT)), wanted=Wanted.ABSENT)
    planned = plan(document(others=[gone]), seen(DB, web))
    (connect,) = planned.additions
    assert not any(must_wait(connect, removal) for removal in planned.removals)


def test_a_new_container_joins_before_it_is_started_and_holds_nobody_up() -> None:
    web = a_slot("web", spec=a_spec(networks=joining(NEXT)))
    planned = plan(document(others=[web]), seen())
    of_db = [each for each in planned.additions if getattr(each, "key", None) == KEY]
    create, connect, start = of_db
    assert connect == ConnectNetwork(KEY, "", JOINS[0])
    assert must_wait(connect, create)
    assert must_wait(start, connect)
    others = [each for each in planned.additions if each not in of_db]
    assert not any(must_wait(each, connect) for each in others)


def test_a_replaced_container_is_joined_anew_and_not_for_the_join() -> None:
    changed = SPEC.model_copy(update={"tty": True})
    planned = plan(document(spec=changed), seen(joined()))
    assert kinds(planned) == [
        *("StopContainer", "RemoveContainer"),
        *("CreateContainer", "ConnectNetwork", "StartContainer"),
    ]


def test_a_container_that_waits_for_its_successors_image_joins_meanwhile() -> None:
    planned = plan(document(spec=a_spec("new:1", networks=joining(OWN))), seen(DB))
    assert kinds(planned) == ["ConnectNetwork", "PullImage"]


@pytest.mark.parametrize("wanted", [Wanted.STOPPED, Wanted.ABSENT])
def test_a_slot_that_is_not_wanted_running_joins_nothing(wanted: Wanted) -> None:
    planned = plan(document(wanted=wanted), seen(DB))
    assert not any(isinstance(each, ConnectNetwork) for each in planned.actions)


def test_a_container_without_a_network_of_its_own_joins_nothing() -> None:
    spec = a_spec(network_mode="container:shop_web_1")
    shown = a_container("db", spec=spec)
    assert plan(document(spec=spec), seen(shown)).is_empty


@pytest.mark.parametrize("wanted", [Wanted.RUNNING, Wanted.STOPPED])
def test_a_network_of_the_project_that_nothing_names_is_left(wanted: Wanted) -> None:
    shown = joined() if wanted is Wanted.RUNNING else exited(joined())
    planned = plan(document((), wanted=wanted), seen(shown))
    assert planned.actions == (DisconnectNetwork(KEY, DB.id, NEXT),)


def test_a_network_that_somebody_else_made_is_not_left() -> None:
    foreign = joined(DB, "monitoring", "bridge")
    elsewhere = joined(DB, "other_default")
    assert plan(document(()), seen(foreign)).is_empty
    assert plan(document(()), seen(elsewhere, networks=[OWN, "other_default"])).is_empty


def test_a_network_that_is_its_mode_is_not_left() -> None:
    spec = a_spec(network_mode=OWN)
    shown = joined(a_container("db", spec=spec), OWN)
    assert plan(document((), spec=spec), seen(shown)).is_empty


def test_an_outdated_container_keeps_the_networks_that_it_was_made_with() -> None:
    other = a_spec("new:1", networks=joining(NEXT))
    assert kinds(plan(document((), spec=other), seen(DB))) == ["PullImage"]


def test_a_network_is_removed_after_the_last_container_has_left_it() -> None:
    desired = orders(a_slot("db", spec=SPEC), networks=NETWORKS[:1])
    node = PureNode(seen(joined()))
    planned = plan(desired, node.observed)
    assert kinds(planned) == ["DisconnectNetwork", "RemoveNetwork"]
    assert must_wait(planned.removals[1], planned.removals[0])
    for action in planned.actions:
        node.carry_out(action)
    assert plan(desired, node.observed).is_empty
    assert node.touched == {}


@pytest.mark.parametrize("unknown", ["networks", "containers"])
def test_what_is_unknown_is_neither_joined_nor_left(unknown: str) -> None:
    unread: dict[str, Any] = {unknown: None}
    assert plan(document(), replace(seen(DB), **unread)).is_empty
    assert plan(document(()), replace(seen(joined()), **unread)).is_empty


def test_a_container_that_the_engine_does_not_answer_for_is_left_alone() -> None:
    assert plan(document(), seen(replace(DB, is_vague=True))).is_empty


def test_while_it_joins_the_slot_takes_no_other_action() -> None:
    first = plan(document(), seen(DB))
    again = plan(document(), seen(DB, in_flight=frozenset(first.actions)))
    assert again.is_empty


class TestFailure:
    """The engine doesn't let it in."""

    CONNECT = ConnectNetwork(KEY, DB.id, JOINS[0])

    def failed(self, shown: SeenContainer = DB, *, times: int = 1) -> Observation:
        observed = seen(shown)
        for _ in range(times):
            observed = after(document(), observed, Failed(self.CONNECT, REFUSAL))
        return observed

    def test_it_backs_off_and_is_told_of(self) -> None:
        planned = plan(document(), self.failed())
        assert planned.is_empty
        assert planned.retry_at == NOW + 1
        (problem,) = planned.problems
        assert (problem.code, problem.definite, problem.attempts) == ("engine", False, 1)
        assert problem.message == str(REFUSAL)
        again = plan(document(), replace(self.failed(), now=NOW + 1))
        assert kinds(again) == ["ConnectNetwork"]
        assert again.problems
        assert plan(document(), self.failed(times=4)).retry_at == NOW + 10

    def test_the_container_is_looked_after_meanwhile(self) -> None:
        observed = replace(self.failed(times=4), containers=(exited(DB),))
        assert kinds(plan(document(), observed)) == ["StartContainer"]
        stopped = orders(a_slot("db", spec=SPEC, wanted=Wanted.STOPPED), networks=NETWORKS)
        assert kinds(plan(stopped, self.failed(times=4))) == ["StopContainer"]

    def test_a_success_ends_it(self) -> None:
        observed = replace(self.failed(times=4), containers=(joined(),))
        done = after(document(), observed, Succeeded(self.CONNECT))
        assert done.joining == {}
        assert plan(document(), done).problems == ()

    def test_a_success_that_can_t_be_seen_is_none(self) -> None:
        lied = after(document(), seen(DB), Succeeded(self.CONNECT))
        assert plan(document(), lied).is_empty
        leave = DisconnectNetwork(KEY, DB.id, NEXT)
        lied = after(document(()), seen(joined()), Succeeded(leave))
        assert plan(document(()), lied).is_empty
        made = ConnectNetwork(KEY, "", JOINS[0])
        assert after(document(), seen(DB), Succeeded(made)).joining[KEY].failures == 1

    def test_what_ends_during_the_look_is_judged_by_the_next_one(self) -> None:
        observed = seen(DB, in_flight=frozenset({self.CONNECT}))
        assert after(document(), observed, Succeeded(self.CONNECT)).joining == {}

    def test_other_networks_or_another_container_start_afresh(self) -> None:
        observed = self.failed(times=4)
        assert fold_joining(document(()), observed, []) == {}
        another = replace(observed, containers=(replace(DB, id="another"),))
        assert fold_joining(document(), another, []) == {}
        assert fold_joining(orders(), observed, []) == {}

    def test_what_can_t_be_seen_is_not_forgotten(self) -> None:
        observed = replace(self.failed(times=4), containers=None)
        assert fold_joining(document(), observed, []) == observed.joining

    def test_another_container_joins_without_it(self) -> None:
        other = a_container("cache", spec=SPEC)
        desired = document(others=[a_slot("cache", spec=SPEC, joins=JOINS)])
        observed = seen(DB, other)
        cache, db = plan(desired, observed).actions
        assert must_wait(db, cache)
        failed = Failed(cache, REFUSAL)
        again = plan(desired, after(desired, observed, failed, Blocked(db, failed)))
        assert again.actions == (db,)
        assert [problem.service for problem in again.problems] == ["cache"]

    def test_a_network_that_can_t_be_made_is_the_cause(self) -> None:
        create = CreateNetwork(NEXT, NETWORKS[1])
        blocked = Blocked(self.CONNECT, Failed(create, EngineFailed("no subnet left")))
        (problem,) = plan(document(), after(document(), seen(DB), blocked)).problems
        assert problem.message == "no subnet left"
