"""What routers are told, and what they say: which domains lead to which containers.

Troopers itself routes nothing. A router is a program of its own that reads `ProjectRoutes` from the
bus, sends traffic accordingly, and says in its `RouterCurrent` what it has applied.
"""

from pydantic import Field

from schemas.document import Document, Part
from schemas.names import NodeName, ProjectName, ServiceName

#: of one back-end; what HAProxy takes, and finer than a thousandth of most traffic
BACKEND_WEIGHT_MAX = 256


class Backend(Part):
    """One healthy container that a route leads to."""

    #: its id
    container: str
    node: NodeName
    #: where it is reached: of a published port, the node's address and the port there, from every
    #: node; otherwise the container's own, which lead to it on its node only
    address: str
    port: int = Field(ge=1, le=65535)
    #: the container's own address and port; no address: it has its node's network
    ip: str = ""
    container_port: int = Field(ge=1, le=65535)
    version: str
    #: its part of the route's traffic, relative to the other back-ends; 0: none
    weight: int = Field(ge=0, le=BACKEND_WEIGHT_MAX)
    #: as the node says; a container that isn't is no back-end
    healthy: bool = True


class Route(Part):
    """A domain and a path below it, and the containers that answer there."""

    #: in lower case; `*` stands for any text
    domain: str
    #: without slashes at its ends; empty: all paths
    path: str = ""
    #: for clients inside the cluster only
    internal: bool = False
    #: a client stays with the container that answered it first, while that is a back-end
    sticky: bool = True
    service: ServiceName
    #: none: nobody can answer now, and the route is the service's all the same
    backends: tuple[Backend, ...] = ()


class ProjectRoutes(Document):
    """All routes of one project. The newest one counts; there is none for a project without routes."""

    project: ProjectName
    #: grows with every change of the document
    generation: int = Field(ge=1)
    routes: tuple[Route, ...] = ()
    #: what the project asked for and doesn't get, because it is another's already, in words
    conflicts: tuple[str, ...] = ()


class RouterCurrent(Document):
    """What one router has applied. Written again every five seconds; gone when it is not renewed."""

    #: its key; one name for each process
    router: NodeName
    #: where it runs; empty: on no node of the cluster
    node: str = ""
    #: project -> the generation that all its new connections go by
    applied: dict[ProjectName, int] = Field(default_factory=dict)
    #: when it was started, RFC 3339
    since: str
