"""Weights, and a router that takes its time: who waits for it, and who doesn't."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from schemas.release import ReleaseState
from tests.e2e.fake_router import FakeRouter
from tests.e2e.releasing import Shop, a_web, names
from tests.e2e.watching import EngineWatch
from tests.e2e.world import Answer, World

OLD, NEW = names("web", 2), names("web", 2, "r2")


def web(revision: int) -> dict[str, Any]:
    labels = {"aliyun.routing.port_80": "shop.example.com"}
    return {"web": a_web(revision, scale=2, labels=labels)}


@pytest.fixture
def shop(world: World) -> Shop:
    """Both sets of it run."""
    made = Shop(world)
    made.create(web(1))
    made.blue_green(web(2), "2.0")
    made.wait_for_release(ReleaseState.AWAITING_CONFIRMATION)
    return made


@pytest.fixture
def router(shop: Shop) -> Iterator[FakeRouter]:
    """One that the coordinator knows, and that goes by the newest routes."""
    with FakeRouter(shop.world) as router:
        shop.world.wait_for(lambda: applied(shop) == {router.name: True}, "the router is known")
        yield router


def applied(shop: Shop) -> dict[str, bool]:
    """The routers that the coordinator knows, and whether they go by the newest routes."""
    routing = shop.world.ok("GET", "/projects/shop/routes")
    return {each["router"]: each["applied"] for each in routing["routers"]}


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def put_weights(shop: Shop, pool: ThreadPoolExecutor, wait_s: int) -> Future[Answer]:
    path = f"/projects/shop/weights?wait={wait_s}"
    return pool.submit(shop.world.http, "PUT", path, {"web": {"1.0": 75, "2.0": 25}})


def ratio(weights: dict[str, int]) -> float:
    return weights["1.0"] / sum(weights.values())


def test_weights_are_answered_once_every_router_goes_by_them(
    shop: Shop, router: FakeRouter, elsewhere: ThreadPoolExecutor
) -> None:
    assert router.weights["shop"]["1.0"] > router.weights["shop"]["2.0"] == 0
    router.hold("shop")
    answer = put_weights(shop, elsewhere, 40)
    shop.world.wait_for(lambda: router.is_holding("shop"), "the router has read the weights")
    assert ratio(router.weights["shop"]) == 0.75
    # The document is written, and the router says every 100 ms that it doesn't go by it.
    assert applied(shop) == {router.name: False}
    assert not answer.done()
    router.let_go("shop")
    assert answer.result(timeout=40).status == 200
    assert not router.is_holding("shop")
    assert ratio(shop.weights()) == 0.75


def test_whoever_doesn_t_want_to_wait_for_a_router_is_answered_all_the_same(
    shop: Shop, router: FakeRouter, elsewhere: ThreadPoolExecutor
) -> None:
    router.hold("shop")
    assert put_weights(shop, elsewhere, 1).result(timeout=40).status == 200
    shop.world.wait_for(lambda: router.is_holding("shop"), "the router has read the weights")
    assert applied(shop) == {router.name: False}
    assert shop.shown["release"]["services"]["web"]["weights"] == {"1.0": 75, "2.0": 25}


def test_the_old_set_goes_when_every_router_sends_all_to_the_new_one(
    shop: Shop, router: FakeRouter
) -> None:
    router.hold("shop")
    with EngineWatch(shop.world, "shop") as watch:
        shop.confirm()
        shop.wait_for_release(ReleaseState.CONFIRMING)
        shop.world.wait_for(
            lambda: router.weights["shop"]["1.0"] == 0 < router.weights["shop"]["2.0"],
            "the router has read that all goes to the new version",
        )
        assert router.is_holding("shop")
        assert set(shop.ids()) == OLD | NEW
        assert watch.happened == []
        router.let_go("shop")
        shop.wait_for_release(ReleaseState.COMPLETED)
    shop.wait_until_only(NEW)
    assert set(shop.weights()) == {"2.0"}


@pytest.mark.long
def test_a_router_that_is_dead_holds_nobody_up(shop: Shop, router: FakeRouter) -> None:
    router.hold("shop")
    shop.confirm()
    shop.world.wait_for(lambda: router.is_holding("shop"), "the router has read the weights")
    router.die()
    shop.wait_for_release(ReleaseState.COMPLETED)
    shop.wait_until_only(NEW)
