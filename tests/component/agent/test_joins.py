"""The whole agent over fakes: a service that two sets share, while one replaces the other."""

from dataclasses import replace

import pytest

from agent.errors import EngineFailed
from schemas.desired import NodeDesired
from schemas.service import NetworkAttachment
from schemas.states import Wanted
from tests.component.agent.node import FakeNode
from tests.fakes.orders import a_network, a_slot, a_spec, joining, orders

OWN, NEXT = "shop_default", "shop_default_r000000007"
OLD, NEW = a_spec(networks=joining(OWN)), a_spec("web:2", networks=joining(NEXT))
JOINS = (NetworkAttachment(name=NEXT, aliases=("db",)),)
BOTH = [a_network(OWN), a_network(NEXT)]
AWAY = EngineFailed("connect shop_db_1: no address left")


def before() -> NodeDesired:
    return orders(a_slot("db", spec=OLD), a_slot(spec=OLD), networks=BOTH[:1])


def beside() -> NodeDesired:
    """Both sets of `web` run, and `db` is in the networks of both."""
    return orders(
        a_slot("db", spec=OLD, joins=JOINS),
        a_slot(spec=OLD),
        a_slot(spec=NEW, set_name="r7"),
        networks=BOTH,
        generation=2,
    )


def back() -> NodeDesired:
    absent = a_slot(spec=NEW, set_name="r7", wanted=Wanted.ABSENT)
    return orders(a_slot("db", spec=OLD), a_slot(spec=OLD), absent, networks=BOTH[:1], generation=3)


@pytest.fixture
async def shared(node: FakeNode) -> FakeNode:
    """`db` and the old `web` run."""
    await node.order(before())
    return node


async def test_a_shared_container_is_in_both_networks_before_the_next_set_is_made(
    shared: FakeNode,
) -> None:
    db = shared.engine.named("shop_db_1")
    await shared.order(beside())
    changes = [call for call in shared.engine.calls if call[0] in {"connect", "create"}]
    assert changes[2:] == [("connect", f"shop_db_1 {NEXT}"), ("create", "shop_web_1_r7")]
    now = shared.engine.named("shop_db_1")
    assert now == replace(db, networks=frozenset({OWN, NEXT}))


async def test_what_was_joined_is_left_and_removed_again(shared: FakeNode) -> None:
    db = shared.engine.named("shop_db_1")
    await shared.order(beside())
    await shared.order(back())
    assert list(shared.engine.nets) == [OWN]
    now = shared.engine.named("shop_db_1")
    assert now == db
    assert shared.status.problems == ()


async def test_a_connect_that_fails_is_tried_again_and_costs_no_container(
    shared: FakeNode,
) -> None:
    db = shared.engine.named("shop_db_1").id
    shared.engine.fail("connect", AWAY, times=3)
    shared.bus.put_desired(beside())
    await shared.until(lambda: bool(shared.status.problems))
    assert {problem.code for problem in shared.status.problems} == {"engine"}
    shared.engine.die(db)
    assert await shared.until(lambda: shared.engine.boxes[db].is_running) < 1
    await shared.until(lambda: shared.status.settled)
    assert shared.status.problems == ()
    assert shared.engine.boxes[db].networks == {OWN, NEXT}
    assert shared.engine.named("shop_web_1_r7").is_running


async def test_a_shared_container_that_is_made_anew_is_in_both_when_it_starts(
    shared: FakeNode,
) -> None:
    await shared.order(beside())
    shared.engine.vanish(shared.engine.named("shop_db_1").id)
    gate = shared.engine.hold("start", "shop_db_1")
    await gate.reached.wait()
    assert shared.engine.named("shop_db_1").networks == {OWN, NEXT}
    shared.engine.release("start")
    await shared.until(lambda: shared.status.settled)
