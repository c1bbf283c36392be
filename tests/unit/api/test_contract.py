"""Bodies are made as plain JSON; here they are compared with the models that document them."""

import json

import pytest

from coordinator.views.volumes import VolumeView
from schemas import views
from schemas.current import MountCurrent, PortBinding
from schemas.query import InspectVolume, ListNodes, ListProjects, ListServices, ListVolumes
from schemas.release import Operation
from schemas.states import MountState, NodeState
from schemas.volume import NasOptions, VolumeSpec
from tests.fakes.answers import answer
from tests.fakes.pictures import CREATED, a_container, a_node, a_project, a_service

OPERATION = Operation(id="op", verb="service.stop", service="db", started=CREATED)
PORTS = {
    "80/tcp": (
        PortBinding(host_ip="::", host_port=80),
        PortBinding(host_ip="1.2.3.4", host_port=81),
    )
}
PROJECTS = {
    "bare": a_project("bare", a_service(containers=())),
    "full": a_project(
        "full",
        a_service(
            "db", containers=(a_container(ports=PORTS), a_container(id="e" * 64, running=False))
        ),
        a_service("web", is_global=True),
        operation=OPERATION,
        warnings=("unused: \u2028",),
    ),
}
NODES = (
    a_node("n1"),
    a_node("n2", 2, current=None, state=NodeState.SUSPECT),
    a_node(
        "n3", 3, state=NodeState.DOWN, silent_for_s=8.26, silent_since=CREATED, is_cordoned=True
    ),
)
MOUNTS = {
    "n1": MountCurrent(name="data", state=MountState.STUCK, since=CREATED, reason="silent"),
    "n2": MountCurrent(name="data", state=MountState.MOUNTED, mountpoint="/mnt/data"),
}
VOLUMES = {
    "data": VolumeView(
        VolumeSpec(name="data", driver="nas", nas=NasOptions(host="h", path="/")),
        MOUNTS,
        {"n1": (("shop_web_1", "id"),), "n3": (("shop_web_2", "id2"),)},
    ),
    "new": VolumeView(
        VolumeSpec(name="new", driver="nas", nas=NasOptions(host="h", path="/")), {}, {}
    ),
}


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (views.Project, ListProjects()),
        (views.Project, ListProjects(services=False)),
        (views.Project, ListProjects(containers=False)),
        (views.Service, ListServices()),
        (views.Node, ListNodes()),
        (views.Volumes, ListVolumes()),
        (views.Volume, InspectVolume(name="data")),
        (views.Volume, InspectVolume(name="new")),
    ],
)
def test_a_body_is_what_its_model_says_and_nothing_more(model, query):
    shown = answer(query, PROJECTS, NODES, VOLUMES)
    for body in shown if isinstance(shown, list) else [shown]:
        read = model.model_validate_json(json.dumps(body), strict=True)
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == body
