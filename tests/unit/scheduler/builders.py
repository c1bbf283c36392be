"""Projects and nodes with defaults, so that a test states only what matters to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from coordinator.placement.occupancy import NodeView
from coordinator.placement.schedule import schedule
from coordinator.store.placements import Placement
from schemas.names import SlotKey
from schemas.records import ProjectRecord
from schemas.release import ServiceRecord
from schemas.service import Port, ServiceSpec
from schemas.states import NodeState, State
from schemas.template import Expression, PlacementPolicy, ServiceTemplate

TIME = "2024-01-01T00:00:00Z"
MIB = 1024 * 1024


def an_expression(text: str) -> Expression:
    """Read `constraint:group==~web`, as a template writes it."""
    kind, _, rest = text.partition(":")
    operator = min(("==", "!="), key=lambda o: rest.find(o) if o in rest else len(rest))
    key, _, value = rest.partition(operator)
    return Expression.model_validate(
        {
            "kind": kind,
            "key": key,
            "negated": operator == "!=",
            "soft": value.startswith("~"),
            "value": value.removeprefix("~"),
        }
    )


def a_port(text: str) -> Port:
    """Read `[ip:]host:container[/protocol]`."""
    rest, _, protocol = text.partition("/")
    *address, host, container = rest.split(":")
    return Port(
        container_port=int(container),
        host_port=int(host),
        host_ip=":".join(address),
        protocol=protocol or "tcp",
    )


def a_service(
    name: str = "web",
    *expressions: str,
    scale: int = 1,
    ports: Iterable[str] = (),
    state: State = State.RUNNING,
    is_global: bool = False,
    depends_on: tuple[str, ...] = (),
    together_with: tuple[str, ...] = (),
    reschedule: bool = False,
    zones_min: int | None = None,
    zones_soft: bool = False,
    **spec: Any,
) -> ServiceRecord:
    template = ServiceTemplate(
        name=name,
        spec=ServiceSpec(
            **{"image": f"{name}:1"} | spec, ports=tuple(a_port(port) for port in ports)
        ),
        scale=scale,
        is_global=is_global,
        depends_on=depends_on,
        placement=PlacementPolicy(
            expressions=tuple(an_expression(text) for text in expressions),
            reschedule=reschedule,
            together_with=together_with,
            zones_min=zones_min,
            zones_soft=zones_soft,
        ),
    )
    return ServiceRecord(
        template=template, scale=scale, desired_state=state, created=TIME, updated=TIME
    )


def a_project(
    *services: ServiceRecord, name: str = "shop", state: State = State.RUNNING
) -> ProjectRecord:
    return ProjectRecord(
        name=name,
        version="1.0",
        created=TIME,
        updated=TIME,
        desired_state=state,
        services={service.template.name: service for service in services},
    )


def a_node(index: int = 1, **known: Any) -> NodeView:
    given: dict[str, Any] = {"name": f"n{index}", "index": index} | known
    return NodeView(**given)


def nodes(count: int, **known: Any) -> list[NodeView]:
    return [a_node(index, **known) for index in range(1, count + 1)]


def down(index: int, **known: Any) -> NodeView:
    return a_node(index, state=NodeState.DOWN, **known)


def place(
    services: Iterable[ServiceRecord],
    on: Iterable[NodeView],
    previous: Mapping[str, str] | None = None,
    *,
    frozen: bool = False,
) -> Placement:
    """Schedule one project, `shop`, with slots written `web.1`."""
    known = {slot(text): node for text, node in (previous or {}).items()}
    return schedule([a_project(*services)], on, known, frozen=frozen)


def slot(text: str, project: str = "shop") -> SlotKey:
    service, _, number = text.rpartition(".")
    return SlotKey(project, service, int(number))


def where(placement: Placement) -> dict[str, str]:
    return {f"{key.service}.{key.slot}": node for key, node in placement.assigned.items()}


def why(placement: Placement) -> dict[str, str]:
    return {
        f"{key.service}.{key.slot}": text.removeprefix("no node satisfies: ")
        for key, text in placement.unplaced.items()
    }
