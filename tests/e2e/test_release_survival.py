"""Agents and the bus die in the middle of a release; what isn't its turn is never touched."""

import time

import pytest

from schemas.release import ReleaseKind, ReleaseState
from tests.e2e.release_faults import faults_of
from tests.e2e.release_scenarios import HELD, SCENARIOS, Relief, Stage
from tests.e2e.releasing import Shop, a_web, names, rolling
from tests.e2e.watching import EngineWatch
from tests.e2e.world import World


@pytest.mark.long
@pytest.mark.parametrize("kind", ReleaseKind)
def test_agents_that_are_killed_in_the_middle_touch_nothing_but_the_batch(
    world: World, kind: ReleaseKind
) -> None:
    shop = Shop(world)
    policy = rolling(4, 1, monitor="100ms")
    shop.create({"web": a_web(1, deploy=policy), "db": a_web(0)})
    old = world.running("shop")
    in_place = kind is ReleaseKind.STANDARD
    batch = {"shop_web_1"} if in_place else names("web", 4, "r2")
    relief = Relief(world)
    with EngineWatch(world, "shop") as watch:
        shop.update(
            {"web": a_web(2, deploy=policy, **HELD), "db": a_web(0)}, "2.0", update_method=kind
        )
        world.wait_for(
            lambda: {each.name for each in watch.of("start")} == batch, f"{batch} are started"
        )
        before = world.running("shop")
        for node in world.cluster.nodes:
            node.agent.kill()
        for node in world.cluster.nodes:
            node.agent.restart()
        world.wait_for_nodes(3)
        assert shop.state == ReleaseState.UPDATING
        assert world.running("shop") == before
        untouched = old.items() - {(i, s) for i, s in old.items() if i not in before}
        assert untouched <= before.items()
        assert len(untouched) == (4 if in_place else 5)

        def has_ended() -> bool:
            relief.give(shop)
            if shop.state == ReleaseState.AWAITING_CONFIRMATION:
                shop.confirm()
            return shop.state == ReleaseState.COMPLETED

        world.wait_for(has_ended, "the release is completed")
        web = names("web", 4, "" if in_place else "r2")
        shop.wait_until_only(web | {"shop_db_1"})
        watch.wait_until_noted()
        # Each was made and started once.
        assert sorted(each.name for each in watch.of("start")) == sorted(web)
    (db,) = (i for i, name in ((i, n) for n, i in shop.ids().items()) if name == "shop_db_1")
    assert world.running("shop")[db] == old[db]


@pytest.mark.long
def test_a_bus_that_is_killed_while_projects_are_released_costs_time_only(stage: Stage) -> None:
    world = stage.world
    cases = {
        case: Shop(world, name)
        for case, name in [
            ((ReleaseKind.STANDARD, ReleaseState.UPDATING), "rolling"),
            ((ReleaseKind.BLUE_GREEN, ReleaseState.UPDATING), "green"),
            ((ReleaseKind.BLUE_GREEN, ReleaseState.CONFIRMING), "confirming"),
        ]
    }
    for case, shop in cases.items():
        shop.create(SCENARIOS[case].services(shop.name, 1))
        SCENARIOS[case].begin(stage, shop)
        shop.wait_for_release(case[1])
    before = {shop.name: world.running(shop.name) for shop in cases.values()}
    world.cluster.nats.kill()
    # For as long as a broker takes that is restarted by its machine.
    time.sleep(2)
    world.cluster.nats.restart()
    world.wait_for_nodes(3)
    for shop in cases.values():
        assert before[shop.name].items() <= world.running(shop.name).items()
    for case, shop in cases.items():
        scenario = SCENARIOS[case]
        scenario.let_go(stage, shop)

        def has_ended(shop: Shop = shop) -> bool:
            stage.relieve(shop)
            if shop.state == ReleaseState.AWAITING_CONFIRMATION:
                shop.confirm()
            return shop.state == ReleaseState.COMPLETED

        world.wait_for(has_ended, f"{shop.name} is completed")
        assert faults_of(shop, case) == {}
