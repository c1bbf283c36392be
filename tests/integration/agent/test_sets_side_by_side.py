"""Two sets of a project on one engine, with a service that both share."""

import pytest

from schemas.desired import NodeDesired
from schemas.service import NetworkAttachment
from schemas.states import Wanted
from tests.contract.engines import OBEDIENT, RealTrial
from tests.fakes.orders import a_network, a_preparation, a_slot, orders
from tests.integration.agent.running_agent import an_agent

pytestmark = pytest.mark.engine

OWN, NEXT = "shop_default", "shop_default_r000000007"
BOTH = [a_network(OWN), a_network(NEXT)]
JOINS = (NetworkAttachment(name=NEXT, aliases=("db",)),)


def in_network(name: str, alias: str) -> dict[str, object]:
    return {"networks": (NetworkAttachment(name=name, aliases=(alias,)),)}


DB = OBEDIENT.model_copy(update=in_network(OWN, "db"))
OLD = OBEDIENT.model_copy(update=in_network(OWN, "web"))
NEW = OBEDIENT.model_copy(update=in_network(NEXT, "web"))


def before() -> NodeDesired:
    held = a_slot(spec=NEW, set_name="r7", wanted=Wanted.STOPPED, prepares=a_preparation(NEW))
    return orders(a_slot("db", spec=DB), a_slot(spec=OLD), held, networks=BOTH)


def beside() -> NodeDesired:
    next_web = a_slot(spec=NEW, set_name="r7")
    return orders(
        *(a_slot("db", spec=DB, joins=JOINS), a_slot(spec=OLD), next_web),
        networks=BOTH,
        generation=2,
    )


def back() -> NodeDesired:
    absent = a_slot(spec=NEW, set_name="r7", wanted=Wanted.ABSENT)
    return orders(a_slot("db", spec=DB), a_slot(spec=OLD), absent, networks=BOTH[:1], generation=3)


async def test_each_set_finds_its_own_and_both_find_what_they_share(real: RealTrial) -> None:
    api = real.hand.api

    def run_of(name: str) -> tuple[str, str]:
        shown = api.inspect_container(name)
        return shown["Id"], shown["State"]["StartedAt"]

    def address(name: str, network: str) -> str:
        networks = api.inspect_container(name)["NetworkSettings"]["Networks"]
        return str(networks[network]["IPAddress"])

    def found(asking: str, name: str) -> str:
        asked = api.exec_create(asking, ["ping", "-c", "1", "-w", "5", name])
        return str(api.exec_start(asked["Id"]).decode())

    async with an_agent(real) as agent:
        await agent.order(before())
        assert [bool(each.image_id) for each in agent.status.preparations] == [True]
        kept = run_of("shop_db_1"), run_of("shop_web_1")
        await agent.order(beside())
        assert address("shop_db_1", NEXT) in found("shop_web_1_r7", "db")
        assert address("shop_web_1_r7", NEXT) in found("shop_web_1_r7", "web")
        assert address("shop_web_1", OWN) in found("shop_web_1", "web")
        assert address("shop_db_1", OWN) in found("shop_web_1", "db")
        labels = api.inspect_container("shop_web_1_r7")["Config"]["Labels"]
        assert labels["troopers.set"] == "r7"
        await agent.order(back())
        assert (run_of("shop_db_1"), run_of("shop_web_1")) == kept
        assert [each.name for each in await real.engine.networks()] == [OWN]
        assert agent.status.problems == ()
