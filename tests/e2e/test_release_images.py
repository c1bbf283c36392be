"""Images first: an update touches no container before every node has what it needs."""

from collections import Counter
from typing import Any

import pytest

from schemas.release import ReleaseState
from tests.e2e.conftest import REFERENCE, Push
from tests.e2e.releasing import Shop, a_web, names, rolling
from tests.e2e.watching import EngineWatch
from tests.e2e.world import IMAGE, World

REPLICAS = 6
NODES = ["n1", "n2", "n3"]


def web(image: str, action: str = "pause") -> dict[str, Any]:
    deploy = rolling(REPLICAS, 2, failure_action=action)
    return {"web": a_web(0, image=image, deploy=deploy), "db": a_web(0)}


@pytest.fixture
def shop(world: World) -> Shop:
    made = Shop(world)
    made.create(web(IMAGE))
    return made


@pytest.mark.parametrize("method", ["standard", "blue-green"])
def test_every_node_has_the_image_before_the_first_container_is_touched(
    shop: Shop, push: Push, method: str
) -> None:
    image = push("2")
    with EngineWatch(shop.world, "shop") as watch:
        shop.update(web(REFERENCE), "2.0", update_method=method)
        if method == "blue-green":
            shop.confirm()
        shop.wait_for_release(ReleaseState.COMPLETED)
        in_set = "r2" if method == "blue-green" else ""
        shop.wait_until_only(names("web", REPLICAS, in_set) | names("db", 1))
        watch.wait_until_noted()
    pulls, touched = watch.of("pull"), watch.of("create", "start", "kill", "die", "destroy")
    # What says `pull` twice is one pull of a node, seen once as the tag and once as its digest.
    assert Counter(each.node for each in pulls if each.about == REFERENCE) == Counter(NODES)
    assert max(each.at_ns for each in pulls) < min(each.at_ns for each in touched)
    for node, name in shop.located():
        if "_web_" in name:
            assert shop.world.inspect(node, name)["Image"] == image


@pytest.mark.usefixtures("registries")
def test_an_image_that_is_nowhere_touches_nothing_until_it_is_pushed(
    shop: Shop, push: Push
) -> None:
    before = shop.world.running("shop")
    with EngineWatch(shop.world, "shop") as watch:
        shop.update(web(REFERENCE), "2.0")
        failed = shop.wait_for_release(ReleaseState.PULL_FAILED)
        assert REFERENCE in failed["release"]["message"]
        assert (failed["version"], failed["current_state"]) == ("1.0", "starting")
        assert shop.world.running("shop") == before
        assert watch.happened == []
        image = push("2")
        shop.wait_for_release(ReleaseState.COMPLETED)
    assert shop.shown["version"] == "2.0"
    (node, name), *_ = [each for each in shop.located() if "_web_" in each[1]]
    assert shop.world.inspect(node, name)["Image"] == image


@pytest.mark.usefixtures("registries")
def test_an_image_that_is_nowhere_is_rolled_back_where_the_template_says_so(shop: Shop) -> None:
    before = shop.world.running("shop")
    with EngineWatch(shop.world, "shop") as watch:
        shop.update(web(REFERENCE, "rollback"), "2.0")
        back = shop.wait_for_release(ReleaseState.ROLLED_BACK)
        assert REFERENCE in back["last_release"]["message"]
        shop.world.wait_for_state("shop", "running")
        assert watch.happened == []
    assert shop.world.running("shop") == before
    assert shop.shown["version"] == "1.0"
