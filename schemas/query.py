"""Queries: what can be asked of the coordinator, over HTTP and over NATS. Answered with a `Reply`."""

from schemas.document import Document
from schemas.names import RevisionNumber


class ListProjects(Document):
    """All projects, or those with `q` in their name."""

    q: str = ""
    services: bool = True
    containers: bool = True


class ViewProject(Document):
    """One project."""

    name: str
    services: bool = True
    containers: bool = True


class ListRevisions(Document):
    """The newest revisions of a project."""

    name: str


class ViewRevision(Document):
    """One revision of a project, with its template."""

    name: str
    number: RevisionNumber


class ViewRoutes(Document):
    """Where a project's traffic goes."""

    name: str


class ListServices(Document):
    """All services, or those with `q` in their name."""

    q: str = ""
    containers: bool = True


class InspectService(Document):
    """One service."""

    service_id: str
    containers: bool = True


class ListNodes(Document):
    """All nodes."""


class ListVolumes(Document):
    """All volumes, on each of their nodes."""


class InspectVolume(Document):
    """One volume."""

    name: str


AnyQuery = (
    ListProjects
    | ViewProject
    | ListRevisions
    | ViewRevision
    | ViewRoutes
    | ListServices
    | InspectService
    | ListVolumes
    | InspectVolume
    | ListNodes
)

#: by noun and verb of their subject
QUERIES: dict[tuple[str, str], type[AnyQuery]] = {
    ("project", "list"): ListProjects,
    ("project", "view"): ViewProject,
    ("project", "revisions"): ListRevisions,
    ("project", "revision"): ViewRevision,
    ("project", "routes"): ViewRoutes,
    ("service", "list"): ListServices,
    ("service", "inspect"): InspectService,
    ("volume", "list"): ListVolumes,
    ("volume", "inspect"): InspectVolume,
    ("node", "list"): ListNodes,
}
