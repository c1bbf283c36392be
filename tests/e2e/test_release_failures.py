"""New containers that never get well: the update stops at its first batch, and the rest serves on."""

from typing import Any

import pytest

from schemas.release import ReleaseState
from tests.e2e.command_line import troopers
from tests.e2e.releasing import Shop, a_web, names, rolling
from tests.e2e.watching import EngineWatch
from tests.e2e.world import World

REPLICAS, BATCH = 4, 2
WEB = names("web", REPLICAS)
#: what is wrong with a new container
UNHEALTHY: dict[str, Any] = {
    "healthcheck": {"test": ["CMD", "false"], "interval": "300ms", "retries": 1}
}
EXITS: dict[str, Any] = {"command": ["sh", "-c", "exit 3"]}


def web(revision: int, order: str = "stop-first", action: str = "pause", **more: Any) -> Any:
    # What ends within a second of its start proves nothing by having run.
    deploy = rolling(REPLICAS, BATCH, order=order, failure_action=action, monitor="1s")
    return {"web": a_web(revision, deploy=deploy, **more)}


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def left(watch: EngineWatch, old: set[str]) -> int:
    """How many of the old containers nobody has told to end."""
    return len(old - {each.about for each in watch.of("kill", "die")})


@pytest.mark.long
@pytest.mark.parametrize(
    ("order", "fault"),
    [("stop-first", UNHEALTHY), ("start-first", EXITS)],
    ids=["unhealthy", "exits"],
)
def test_an_update_that_fails_is_paused_and_undone_by_hand(
    shop: Shop, order: str, fault: dict[str, Any]
) -> None:
    shop.create(web(1, order))
    before = shop.ids()
    with EngineWatch(shop.world, "shop") as watch:
        shop.update(web(2, order, **fault), "2.0")
        paused = shop.wait_for_release(ReleaseState.PAUSED)
        watch.wait_until_noted()
        ended = BATCH if order == "stop-first" else 0
        assert left(watch, set(before.values())) == REPLICAS - ended
        made = {each.name for each in watch.of("create")}
    assert made == {f"shop_web_{n}" + ("_r2" if order == "start-first" else "") for n in (1, 2)}
    assert paused["current_state"] == "starting"
    assert "web" in paused["release"]["message"]

    back = troopers(shop.world, "rollback", "shop")
    assert back.returncode == 0, back
    assert shop.state == ReleaseState.ROLLED_BACK
    shop.wait_until_only(WEB)
    after = shop.ids()
    replaced = {"shop_web_1", "shop_web_2"} if order == "stop-first" else set[str]()
    assert {name for name in WEB if before[name] != after[name]} == replaced
    assert (shop.shown["version"], shop.shown["current_state"]) == ("1.0", "running")


@pytest.mark.parametrize(
    ("order", "fault"),
    [("stop-first", EXITS), ("start-first", UNHEALTHY)],
    ids=["exits", "unhealthy"],
)
def test_an_update_that_fails_goes_back_by_itself_where_its_template_says_so(
    shop: Shop, order: str, fault: dict[str, Any]
) -> None:
    shop.create(web(1, order, "rollback"))
    before = shop.ids()
    with EngineWatch(shop.world, "shop") as watch:
        shop.update(web(2, order, "rollback", **fault), "2.0")
        shop.wait_for_release(ReleaseState.ROLLED_BACK)
        shop.wait_until_only(WEB)
        watch.wait_until_noted()
        assert min(count.running for count in watch.counts()) >= REPLICAS - BATCH
        made = [each.name for each in watch.of("create")]
    if order == "stop-first":
        # There and back again: nothing beyond the first batch was touched.
        assert sorted(made) == sorted(2 * ["shop_web_1", "shop_web_2"])
    else:
        assert sorted(made) == ["shop_web_1_r2", "shop_web_2_r2"]
        assert shop.ids() == before
    shop.world.wait_for_state("shop", "running")
    assert shop.shown["version"] == "1.0"
    assert "rolled back" in shop.message


@pytest.mark.long
def test_whoever_confirms_a_paused_update_takes_it_as_it_is(shop: Shop) -> None:
    shop.create(web(1))
    shop.update(web(2, **UNHEALTHY), "2.0")
    shop.wait_for_release(ReleaseState.PAUSED)
    before = shop.ids()
    confirmed = troopers(shop.world, "confirm", "shop", "--timeout", "30")
    assert confirmed.returncode == 0, confirmed
    assert shop.state == ReleaseState.COMPLETED
    after = shop.ids()
    assert set(after) == WEB
    assert all(before[f"shop_web_{n}"] != after[f"shop_web_{n}"] for n in (3, 4))
    assert shop.shown["version"] == "2.0"
