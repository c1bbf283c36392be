"""Revisions: twenty are kept, an old one comes back as a new one, and a deleted project keeps none."""

from schemas.release import ReleaseState
from tests.e2e.bus_keys import kept
from tests.e2e.command_line import troopers
from tests.e2e.releasing import Shop, a_web, names
from tests.e2e.world import World

UPDATES, KEPT = 25, 20
#: from this revision on the containers are other ones
SECOND_HALF = 14


def services(revision: int) -> dict[str, object]:
    return {"web": a_web(1 if revision < SECOND_HALF else 2, stop_grace_period="1s")}


def definition(shop: Shop) -> list[str]:
    """The environment of the project's only container, as its engine has it."""
    ((node, name),) = shop.located()
    environment: list[str] = shop.world.inspect(node, name)["Config"]["Env"]
    return [each for each in environment if each.startswith("REVISION=")]


def test_the_newest_revisions_are_kept_and_an_old_one_brings_back_its_containers(
    world: World,
) -> None:
    shop = Shop(world)
    shop.create(services(1))
    for revision in range(2, UPDATES + 2):
        shop.update(services(revision), f"{revision}.0")
        shop.wait_for_release(ReleaseState.COMPLETED)
    newest = UPDATES + 1
    oldest = newest - KEPT + 1
    shown = world.ok("GET", "/projects/shop/revisions")
    assert [each["number"] for each in shown] == list(range(oldest, newest + 1))
    keys = [key.split(".")[:2] for key in kept(world, "revisions")]
    assert sorted(keys) == sorted(["shop", str(n)] for n in range(oldest, newest + 1))
    world.wait_for_state("shop", "running")
    assert definition(shop) == ["REVISION=2"]

    back = troopers(world, "rollback", "shop", "--to", str(oldest))
    assert back.returncode == 0, back
    assert definition(shop) == ["REVISION=1"]
    assert set(shop.ids()) == names("web", 1)
    assert (shop.shown["version"], shop.shown["revision"]) == (f"{oldest}.0", newest + 1)
    assert world.ok("GET", "/projects/shop/revisions")[-1]["of_revision"] == oldest

    world.ok("DELETE", "/projects/shop?force=true")
    world.wait_for(lambda: not kept(world, "revisions"), "its revisions are forgotten")
    world.wait_for(lambda: not world.everything_of("shop"), "nothing is left of it")
