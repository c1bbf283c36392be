"""Rolling updates, counted on the engines: how many serve, and how many there are, at any moment."""

from typing import Any

import pytest

from schemas.release import ReleaseState
from tests.e2e.releasing import Shop, a_web, names, rolling
from tests.e2e.watching import EngineWatch
from tests.e2e.world import World

REPLICAS, BATCH = 20, 2


def web(revision: int, order: str, **more: Any) -> dict[str, Any]:
    return a_web(revision, deploy=rolling(REPLICAS, BATCH, order=order), **more)


@pytest.mark.long
@pytest.mark.parametrize(
    ("order", "fewest", "most", "in_set"),
    [
        ("stop-first", REPLICAS - BATCH, REPLICAS, ""),
        # What a batch replaced goes while the next one starts.
        ("start-first", REPLICAS, REPLICAS + 2 * BATCH, "r2"),
    ],
)
def test_a_rolling_update_never_has_fewer_or_more_than_its_batch_allows(
    world: World, order: str, fewest: int, most: int, in_set: str
) -> None:
    shop = Shop(world)
    shop.create({"web": web(1, order)})
    old = set(world.running("shop"))
    assert len(old) == REPLICAS
    with EngineWatch(world, "shop") as watch:
        shop.update({"web": web(2, order)}, "2.0")
        world.wait_for_state("shop", "running")
        shop.wait_until_only(names("web", REPLICAS, in_set))
        watch.wait_until_noted()
    assert shop.shown["version"] == "2.0"
    assert old.isdisjoint(world.running("shop"))
    assert min(count.serving for count in watch.counts()) == fewest
    assert max(count.running for count in watch.counts()) <= most
    # Nobody is started twice: each new container is the last one of its slot.
    assert sorted(each.name for each in watch.of("create")) == sorted(
        names("web", REPLICAS, in_set)
    )


@pytest.mark.long
@pytest.mark.parametrize("order", ["stop-first", "start-first"])
def test_a_batch_waits_for_the_health_of_the_one_before_and_what_that_replaces(
    world: World, order: str
) -> None:
    check = {"test": ["CMD", "true"], "interval": "1s", "timeout": "10s", "retries": 3}
    slowly = ["sh", "-c", "trap 'sleep 1.5; exit 0' TERM; sleep 86400 & wait"]
    shop = Shop(world)

    def services(revision: int) -> dict[str, Any]:
        deploy = rolling(3, 1, order=order)
        web = a_web(revision, deploy=deploy, healthcheck=check, command=slowly)
        return {"web": web}

    shop.create(services(1))
    with EngineWatch(world, "shop", has_check=True) as watch:
        shop.update(services(2), "2.0")
        shop.wait_for_release(ReleaseState.COMPLETED)
        shop.wait_until_only(names("web", 3, "r2" if order == "start-first" else ""))
        watch.wait_until_noted()
    counts = watch.counts()
    assert min(count.serving for count in counts) == (2 if order == "stop-first" else 3)
    assert max(count.running for count in counts) <= (3 if order == "stop-first" else 5)
