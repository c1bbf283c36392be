"""Bodies of the HTTP API that are about releases: `schemas.views` has those of projects.

A field with a default may be missing from a body; every other one is always there.
"""

from typing import Literal

from schemas.body import Body
from schemas.release import ReleaseKind, ReleaseState
from schemas.routing import Route


class ReleasedService(Body):
    """How far one service of a release is, in containers."""

    updated: int
    total: int
    #: version -> its part of the traffic, relative to the others; nothing without routes
    weights: dict[str, int]


class ReleaseView(Body):
    """An update that is under way, or awaits its confirmation."""

    kind: ReleaseKind
    state: ReleaseState
    version: str
    revision: int
    started: str
    #: why it waits or is paused
    message: str
    #: it was confirmed before it was up
    confirmed: bool
    #: those that it changes or adds
    services: dict[str, ReleasedService]


class LastRelease(Body):
    """How the newest update ended."""

    kind: ReleaseKind
    outcome: ReleaseState
    version: str
    revision: int
    message: str
    ended: str


class Revision(Body):
    """A project as it was asked for once."""

    number: int
    version: str
    description: str
    created: str
    #: completed or rolled_back; empty: it is under way
    outcome: str
    #: it is what the project is now
    current: bool
    #: the earlier one that it was made again from
    of_revision: int | None = None
    #: of a single revision: its template's text
    template: str | None = None
    #: of a single revision
    environment: dict[str, str] | None = None


class RouterView(Body):
    """A router, and whether it goes by the newest routes of a project."""

    router: str
    #: where it runs; empty: on no node of the cluster
    node: str
    #: of the project's routes that it has applied; 0: none
    generation: int
    applied: bool


class ProjectRouting(Body):
    """Where a project's traffic goes."""

    project: str
    #: of the newest routes; 0: the project has none
    generation: int
    routes: tuple[Route, ...]
    #: what another project or service has already, in words
    conflicts: tuple[str, ...]
    routers: tuple[RouterView, ...]
    #: why nothing goes by it; empty: something does
    note: str
    #: service with routes -> version -> its part of the traffic, relative to the others
    weights: dict[str, dict[str, int]]


class PlannedChange(Body):
    """What would become of one container."""

    container: str
    service: str
    action: Literal["create", "replace", "keep", "move", "remove", "wait"]
    #: in words
    reason: str
    node: str
    #: with `move`: where it is now
    from_node: str = ""


class Plan(Body):
    """What a create or update would do."""

    version: str
    changes: tuple[PlannedChange, ...]
    warnings: tuple[str, ...]
