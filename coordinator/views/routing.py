"""Where a project's traffic goes, as the API shows it. Pure."""

from collections.abc import Mapping
from typing import Any

from coordinator.releases.networks import every_service
from coordinator.releases.weights import weights_of
from coordinator.views.rollup import ProjectView
from schemas.routing import ProjectRoutes, RouterCurrent

NO_ROUTER = "no router has registered: nothing routes yet"
NO_ROUTES = "no service of the project has a label aliyun.routing.port_N"


def routing_body(
    view: ProjectView, held: ProjectRoutes | None, routers: Mapping[str, RouterCurrent]
) -> dict[str, Any]:
    """The project's routes, who goes by them, and the weights of its services' versions."""
    record = view.record
    generation = held.generation if held else 0
    names = sorted({service.template.name for service in every_service(record)})
    note = "" if routers else NO_ROUTER
    return {
        "project": record.name,
        "generation": generation,
        "routes": [route.model_dump(mode="json") for route in (held.routes if held else ())],
        "conflicts": held.conflicts if held else (),
        "routers": [
            {
                "router": name,
                "node": router.node,
                "generation": router.applied.get(record.name, 0),
                "applied": router.applied.get(record.name, 0) >= generation,
            }
            for name, router in sorted(routers.items())
        ],
        "note": note if held else NO_ROUTES,
        "weights": {name: shares for name in names if (shares := weights_of(record, name))},
    }
