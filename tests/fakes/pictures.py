"""Views as a door shows them, with defaults, so that a test states only what matters."""

from typing import Any

from coordinator.views.rollup import ContainerView, NodePicture, ProjectView, ServiceView
from schemas.current import ContainerCurrent, EngineCurrent, NodeCurrent, PortBinding
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.service import ServiceSpec
from schemas.states import EngineState, NodeState, State
from schemas.template import ServiceTemplate

CREATED = "2016-04-21T13:36:32.440646459Z"
UPDATED = "2016-04-21T13:36:33.270308950Z"
CONTAINER_ID = "5616f05d27516b3502a391fd2ca9d312cabffa5ad431bf261ea81f4ceabd476e"


def a_container_current(**changes: Any) -> ContainerCurrent:
    fields: dict[str, Any] = {
        "id": CONTAINER_ID,
        "name": "wordpress_db_1",
        "project": "wordpress",
        "service": "db",
        "slot": 1,
        "status": "running",
        "running": True,
        "ip": "10.0.0.2",
        "ports": {"3306/tcp": (PortBinding(host_ip="0.0.0.0", host_port=32768),)},
    }
    return ContainerCurrent(**fields | changes)


def a_container(
    *,
    is_stale: bool = False,
    is_leftover: bool = False,
    address: str = "10.246.2.3",
    **changes: Any,
) -> ContainerView:
    current = a_container_current(**changes)
    return ContainerView(
        current, node="n1", address=address, is_stale=is_stale, is_leftover=is_leftover
    )


def a_service(name: str = "db", scale: int = 1, **changes: Any) -> ServiceView:
    template = ServiceTemplate(
        name=name,
        spec=ServiceSpec(image="mysql:5.7"),
        definition={
            "environment": ["MYSQL_ROOT_PASSWORD=password"],
            "image": "mysql:5.7",
            "restart": "always",
        },
        extensions=changes.pop("extensions", {"logs": ["/var/log/mysql"]}),
        is_global=changes.pop("is_global", False),
    )
    record = ServiceRecord(template=template, scale=scale, created=CREATED, updated=UPDATED)
    fields: dict[str, Any] = {
        "current_state": State.RUNNING,
        "desired_state": State.RUNNING,
        "containers": (a_container(),),
    }
    return ServiceView(record, **fields | changes)


def a_project(name: str = "wordpress", *services: ServiceView, **changes: Any) -> ProjectView:
    record_fields: dict[str, Any] = {
        "name": name,
        "description": "A blog",
        "template": "db:\r\n image: mysql:5.7",
        "version": "1.0",
        "environment": {"USER": "abc"},
        "created": CREATED,
        "updated": UPDATED,
    }
    record = ProjectRecord(**record_fields | changes)
    shown = services or (a_service(),)
    by_name = {service.record.template.name: service for service in shown}
    return ProjectView(record, State.RUNNING, State.RUNNING, by_name)


def a_node(name: str = "n1", index: int = 1, **changes: Any) -> NodePicture:
    current = NodeCurrent(
        node=name,
        boot_id="b",
        agent_version="0.1.0",
        address="10.246.2.3",
        zone="z1",
        labels={"group": "web"},
        cpus=2,
        memory_bytes=2**30,
        engine=EngineCurrent(state=EngineState.READY, version="20.10.24"),
        containers=(
            a_container_current(),
            a_container_current(id="e" * 64, status="exited", running=False),
            a_container_current(id="f" * 64, status="paused"),
        ),
        observed_at=UPDATED,
    )
    fields: dict[str, Any] = {"joined": CREATED, "state": NodeState.READY, "current": current}
    return NodePicture(name=name, index=index, **fields | changes)
