"""What the version before releases left on an engine, taken over by the present coordinator and agent."""

from typing import Any

import pytest

from schemas.desired import DesiredNetwork, DesiredVolume, NodeDesired
from schemas.records import ProjectRecord
from schemas.service import Healthcheck, NetworkAttachment, Port, Probe, Restart, VolumeMount
from tests.builders import a_node, a_project, a_service, follows
from tests.contract.engines import RealTrial
from tests.integration.agent.made_before import BODIES, make
from tests.integration.agent.running_agent import an_agent

pytestmark = pytest.mark.engine

BOX: dict[str, Any] = {"image": "box:1", "command": ("sleep", "1000")}
NETWORKS = (
    DesiredNetwork(project="shop", name="shop_default"),
    DesiredNetwork(project="shop", name="shop_back", internal=True),
)


def attached(name: str, *aliases: str) -> NetworkAttachment:
    return NetworkAttachment(name=name, aliases=aliases)


def a_record(owner: str) -> ProjectRecord:
    """The project, as its record says it. `owner`: how it names the container of `db`."""
    mode, volumes = (owner, owner) if owner == "service:db" else (owner, owner.partition(":")[2])
    data = VolumeMount(type="volume", source="shop_data", target="/data")
    web: dict[str, Any] = {
        "environment": {"MODE": "prod", "EMPTY": ""},
        "labels": {"mine": "yes"},
        "ports": (Port(container_port=80, host_port=18090),),
        "networks": (attached("shop_default", "web", "www"), attached("shop_back", "web")),
        "restart": Restart(policy="always"),
        "stop_grace_s": 2.5,
        "mem_limit_bytes": 64 * 2**20,
        "healthcheck": Healthcheck(test=("CMD", "true"), interval_s=30.0, retries=2),
        "probe": Probe(cmd="true"),
    }
    return a_project(
        a_service("db", **BOX, networks=(attached("shop_default", "db"),), volumes=(data,)),
        a_service("proxy", **BOX, network_mode=mode),
        a_service(
            "backup",
            **BOX,
            networks=(attached("shop_default", "backup"),),
            volumes_from=(f"{volumes}:ro",),
        ),
        a_service("web", **BOX, **web, refresh=1),
        networks=NETWORKS,
        volumes=(DesiredVolume(project="shop", name="shop_data"),),
    )


def a_document(record: ProjectRecord) -> NodeDesired:
    return follows(record, [a_node(1)], epoch=4).changed["n1"]


def runs(real: RealTrial) -> dict[str, tuple[str, str, set[str]]]:
    """Container -> its id, when it was started, and the networks that it is in."""
    return {
        name: (
            shown["Id"],
            shown["State"]["StartedAt"],
            set(shown["NetworkSettings"]["Networks"]),
        )
        for name in BODIES
        if (shown := real.hand.api.inspect_container(name))
    }


@pytest.mark.parametrize("owner", ["service:db", "container:shop_db_1"])
async def test_containers_of_the_version_before_are_kept_as_they_are(
    real: RealTrial, owner: str
) -> None:
    make(real)
    before = runs(real)
    document = a_document(a_record(owner))
    assert {slot.service for slot in document.slots} == {"db", "proxy", "backup", "web"}
    async with an_agent(real) as agent:
        await agent.order(document)
        assert agent.status.problems == ()
        assert {each.name for each in agent.status.containers} == set(BODIES)
        await agent.order(document.model_copy(update={"generation": document.generation + 1}))
    assert runs(real) == before
    networks = {
        each["Name"] for each in real.hand.api.networks(filters={"label": "troopers.project"})
    }
    assert networks == {"shop_default", "shop_back"}
