"""Two sets side by side: names lead to one's own set, what both share is left alone, one set stays."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from schemas.names import network_of_set
from schemas.release import ReleaseState
from tests.e2e.bus_keys import slots_of
from tests.e2e.releasing import Shop, a_web, names
from tests.e2e.watching import EngineWatch
from tests.e2e.world import World

REPLICAS = 5
#: the turn in which names are looked up that nobody has, each for seconds
UNNAMED = 2
#: names are looked up on one node's engine
HERE = {"environment": ["constraint:node==n1"]}


def services(revision: int) -> dict[str, Any]:
    return {
        "web": a_web(revision, scale=REPLICAS),
        "client": a_web(revision, **HERE),
        "db": a_web(0, **HERE),
    }


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


def of_set(in_set: str) -> set[str]:
    return names("web", REPLICAS, in_set) | names("client", 1, in_set)


def network_of(in_set: str) -> str:
    return network_of_set("shop_default", in_set)


class Names:
    """Names as containers on n1 look them up."""

    def __init__(self, shop: Shop) -> None:
        self._world = shop.world
        there = {name for node, name in shop.located() if node == "n1"}
        self._addresses = {name: self._of(name) for name in there}

    def seen_by(self, asking: str, name: str) -> set[str]:
        """The containers that a name leads to; none: it leads nowhere."""
        with self._world.node("n1").engine.client() as client:
            asked = client.api.exec_create(asking, ["nslookup", name, "127.0.0.11"])
            said = client.api.exec_start(asked["Id"]).decode()
        _, _, answer = said.partition("\n\n")
        found = set(re.findall(r"^Address[^:]*: (\S+)$", answer, re.MULTILINE))
        known = {a: name for name, addresses in self._addresses.items() for a in addresses}
        return {known[address] for address in found}

    def those_here(self, of: set[str]) -> set[str]:
        return of & self._addresses.keys()

    def _of(self, name: str) -> set[str]:
        networks = self._world.inspect("n1", name)["NetworkSettings"]["Networks"]
        return {network["IPAddress"] for network in networks.values() if network["IPAddress"]}


def check_names(shop: Shop, *sets: str) -> None:
    """Each set's client finds its own set and what both share, and nothing of the other one."""
    look = Names(shop)
    for in_set in sets:
        (client,) = names("client", 1, in_set)
        web = look.those_here(names("web", REPLICAS, in_set))
        assert web
        assert look.seen_by(client, "web") == web
        assert look.seen_by(client, "client") == {client}
        assert look.seen_by(client, "db") == {"shop_db_1"}
        # What is shared was there first: it answers to both, and sees one set at least.
        assert look.seen_by("shop_db_1", "web") in [
            look.those_here(names("web", REPLICAS, each)) for each in sets
        ]


def check_that_others_have_no_name(shop: Shop, *sets: str) -> None:
    """No client finds a container of the other set by its own name: such an answer takes seconds."""
    look = Names(shop)
    asked = [
        (client, name)
        for in_set, other in (sets, sets[::-1])
        for client in names("client", 1, in_set)
        for name in look.those_here(of_set(other))
    ]
    with ThreadPoolExecutor(len(asked)) as pool:
        assert list(pool.map(lambda each: look.seen_by(*each), asked)) == [set()] * len(asked)


def one_set_is_left(shop: Shop, in_set: str) -> None:
    """Wait until containers, networks and documents are those of one set."""
    shop.wait_until_only(of_set(in_set) | {"shop_db_1"})
    networks = {network_of(""), network_of(in_set)}
    shop.world.wait_for(lambda: shop.networks() == networks, f"the networks are {networks}")
    slots = {("web", in_set), ("client", in_set), ("db", "")}
    shop.world.wait_for(
        lambda: slots_of(shop.world, "shop") == slots, f"the documents have {slots}"
    )


def confirmed_and_rolled_back(shop: Shop, turns: int) -> None:
    """One and the other in turn; whoever is confirmed stays, and `db` never notices."""
    shop.create(services(1))
    db = shop.ids()["shop_db_1"]
    started = shop.world.running("shop")[db]
    current, revision = "", 1
    with EngineWatch(shop.world, "shop") as watch:
        for turn in range(turns):
            revision += 1
            beside = f"r{revision}"
            shop.blue_green(services(revision), f"{revision}.0")
            shop.wait_for_release(ReleaseState.AWAITING_CONFIRMATION)
            shop.wait_until_only(of_set(current) | of_set(beside) | {"shop_db_1"})
            check_names(shop, current, beside)
            if turn == UNNAMED:
                check_that_others_have_no_name(shop, current, beside)
            if turn % 2:
                shop.roll_back()
                shop.wait_for_release(ReleaseState.ROLLED_BACK)
            else:
                shop.confirm()
                shop.wait_for_release(ReleaseState.COMPLETED)
                current = beside
            one_set_is_left(shop, current)
            shop.world.wait_for_state("shop", "running")
            check_names(shop, current)
            assert shop.world.running("shop")[db] == started
        watch.wait_until_noted()
    assert not [each for each in watch.happened if each.about == db]


def test_sets_find_their_own_and_one_is_left_after_a_confirmation_and_a_rollback(
    shop: Shop,
) -> None:
    confirmed_and_rolled_back(shop, 2)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ten_confirmations_and_rollbacks_leave_one_set(shop: Shop) -> None:
    confirmed_and_rolled_back(shop, 10)
