"""Services with routes, projects in the middle of a release, and containers to route to."""

from collections.abc import Iterable
from typing import Any

from coordinator.releases.groups import slot_groups
from coordinator.releases.routes import RoutedContainer, routes_of
from schemas.current import PortBinding
from schemas.records import ProjectRecord
from schemas.release import Operation, Release, ReleaseKind, ReleaseState, Rollout, ServiceRecord
from schemas.routing import ProjectRoutes
from schemas.template import RouteRule
from tests.builders import TIME, a_project, a_service

OPERATION = Operation(id="1", verb="project.update", started=TIME)


def a_routed(
    name: str = "web",
    *routes: str,
    port: int = 80,
    sticky: bool = True,
    set_name: str = "",
    **fields: Any,
) -> ServiceRecord:
    """A service with these routes, such as `shop.com/cart`; without any, with `shop.com`."""
    service = a_service(name, **fields)
    split = (route.partition("/") for route in routes or ("shop.com",))
    rules = tuple(RouteRule(port=port, domain=one, path=path) for one, _, path in split)
    template = service.template.model_copy(update={"routes": rules, "is_sticky": sticky})
    return service.model_copy(update={"template": template, "set_name": set_name})


def a_release(
    *services: ServiceRecord,
    to: Iterable[ServiceRecord],
    kind: ReleaseKind = ReleaseKind.BLUE_GREEN,
    state: ReleaseState = ReleaseState.AWAITING_CONFIRMATION,
    begun: int = 1,
    kept: Iterable[str] = (),
    replaced: int = 0,
    **fields: Any,
) -> ProjectRecord:
    """The project `shop` on its way from version 1.0 to version 2.0, in which `to` is new.

    Of its services, `kept` are in both.
    """
    new = {service.template.name: service for service in to}
    both = [service for service in services if service.template.name in kept]
    target = a_project(*new.values(), *both, version="2.0", revision=2)
    release = Release(
        kind=kind,
        state=state,
        target=target,
        rollouts=dict.fromkeys(new, Rollout(begun=begun, replaced=replaced)),
        operation=OPERATION,
    )
    return a_project(*services, release=release, **fields)


def containers_of(
    service: str = "web",
    count: int = 1,
    *,
    set_name: str = "",
    version: str = "1.0",
    first: int = 1,
    **fields: Any,
) -> list[RoutedContainer]:
    """Healthy containers, of slots `first` on, one on each node."""
    return [
        RoutedContainer(
            **{
                "id": f"{service}{set_name}-{slot}",
                "service": service,
                "set_name": set_name,
                "slot": slot,
                "version": version,
                "node": f"n{slot}",
                "address": f"10.0.0.{slot}",
                "ip": f"172.17.0.{slot}",
                "ports": {},
                "is_healthy": True,
                **fields,
            }
        )
        for slot in range(first, first + count)
    ]


def published(port: int, on: int, host_ip: str = "0.0.0.0") -> dict[str, tuple[PortBinding, ...]]:
    return {f"{port}/tcp": (PortBinding(host_ip=host_ip, host_port=on),)}


def routes(
    project: ProjectRecord, containers: Iterable[RoutedContainer] = (), **fields: Any
) -> ProjectRoutes:
    """The project's document, which there is."""
    found = routes_of(project, slot_groups(project), containers, **{"generation": 1, **fields})
    assert found is not None
    return found


def shares(document: ProjectRoutes) -> dict[str, int]:
    """Version -> weight of all its back-ends, of the only route."""
    (route,) = document.routes
    found: dict[str, int] = {}
    for backend in route.backends:
        found[backend.version] = found.get(backend.version, 0) + backend.weight
    return found
