"""The HTTP API as a table: every route, what it takes and which command or query it stands for.

The OpenAPI document and the coordinator's routes are both made from `ROUTES`, so they cannot
differ. Paths are served with and without their last slash.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from schemas import release_views, views
from schemas.bodies import (
    CreateProjectBody,
    CreateVolumeBody,
    ScaleServiceBody,
    SetWeightsBody,
    UpdateProjectBody,
)

#: seconds that a verb may take before its answer stops waiting for it
_WAIT_S = 10.0
#: the engine's own patience with a container that is told to stop
_STOP_S = 10.0


#: In any case, what a flag's text means. False is what classic Swarm, and so the reference's server,
#: reads as false. Anything else is refused: a word that was meant otherwise must delete nothing.
FLAG_WORDS = {
    "true": True, "1": True, "yes": True,
    "false": False, "0": False, "no": False, "none": False,
}  # fmt: skip


class Kind(StrEnum):
    """How a query parameter's text is read."""

    TEXT = "text"
    #: true, 1 and yes, or false, 0, no, none and empty, in any case
    FLAG = "flag"
    #: the same, but never empty: `?dry_run` must not do what it was to prevent
    SWITCH = "switch"
    #: whole seconds, not negative
    TIMEOUT = "timeout"
    SIGNAL = "signal"
    #: seconds, 0 to 3600
    WAIT = "wait"
    #: a whole number above zero, such as 17 or r17
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter and the command's field that it fills."""

    name: str
    field: str
    kind: Kind
    about: str
    default: str | bool | int | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One documented request. `noun` and `verb` are its command's or query's."""

    method: str
    path: str
    noun: str
    verb: str
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    #: the command's field that the whole body fills; empty: each of its fields one of the command's
    body_field: str = ""
    #: a query's answer
    result: type[BaseModel] | None = None
    #: what a command's success shows; None: an empty body
    shows: type[BaseModel] | None = None
    is_list: bool = False
    success: int = 200
    #: with `dry_run=true` nothing is done, and the answer is what would be
    plans: bool = False
    #: how long the answer waits for the effect; the stop timeout is added where there is one
    wait_s: float = 0.0

    @property
    def patience_s(self) -> float:
        """How long it waits when nothing is said, about the stop timeout neither."""
        stops = (each.default for each in self.parameters if each.kind is Kind.TIMEOUT)
        return self.wait_s + sum(int(default) for default in stops if default)

    @property
    def takes(self) -> tuple[Parameter, ...]:
        """Every parameter of its own; all commands take `WAIT` besides."""
        return (*self.parameters, DRY_RUN) if self.plans else self.parameters

    @property
    def operation(self) -> str:
        return f"{self.verb}_{self.noun}" + ("s" if self.verb == "list" else "")

    @property
    def is_query(self) -> bool:
        return self.result is not None


_Q = Parameter("q", "q", Kind.TEXT, "Only those with this text in their name.", default="")
_SERVICES = Parameter("services", "services", Kind.FLAG, "Show the services.", default=True)
_CONTAINERS = Parameter("containers", "containers", Kind.FLAG, "Show the containers.", default=True)
_TIMEOUT = Parameter(
    "t",
    "timeout",
    Kind.TIMEOUT,
    "Seconds before a container that doesn't stop is killed.",
    default=10,
    aliases=("timeout",),
)
_SIGNAL = Parameter(
    "signal", "signal", Kind.SIGNAL, "A name with or without SIG, or a number.", default="KILL"
)
_FORCE = Parameter("force", "force", Kind.FLAG, "Also kill what runs.", default=False)
_VOLUMES = Parameter(
    "v",
    "volumes",
    Kind.FLAG,
    "Also remove the project's local volumes.",
    default=False,
    aliases=("volume",),
)
_TAKE_OVER = Parameter(
    "take_over",
    "take_over",
    Kind.SWITCH,
    "Also where a record of that name can't be read, or is an old copy.",
    default=False,
)
_SMOOTH = Parameter(
    "force",
    "force",
    Kind.FLAG,
    "Move all traffic to the new version first; false leaves the weights as they were set.",
    default=True,
)
_ROLLBACK_FORCE = Parameter(
    "force",
    "force",
    Kind.FLAG,
    "Accepted as the reference has it, without a meaning.",
    default=True,
)
_TO = Parameter("to", "to", Kind.NUMBER, "The revision to go back to, as a new update.")
DRY_RUN = Parameter(
    "dry_run",
    "dry_run",
    Kind.SWITCH,
    "Do nothing, and answer what would be done, container by container.",
    default=False,
)
WAIT = Parameter(
    "wait",
    "wait",
    Kind.WAIT,
    "Seconds that the answer may wait for the effect; 0 answers when it is accepted.",
)

_CREATE = Route(
    "POST", "/projects/", "project", "create", "Create a project and start it.",
    (_TAKE_OVER,), body=CreateProjectBody, success=201, plans=True,
)  # fmt: skip
_PROJECTS = (
    Route(
        "GET", "/projects/", "project", "list", "All projects, by name.",
        (_Q, _SERVICES, _CONTAINERS), result=views.Project, is_list=True,
    ),
    _CREATE,
    Route(
        "GET", "/projects/{name}", "project", "view", "One project.",
        (_SERVICES, _CONTAINERS), result=views.Project,
    ),
    Route(
        "POST", "/projects/{name}/start", "project", "start",
        "Start all services, dependencies first.", wait_s=_WAIT_S,
    ),
    Route(
        "POST", "/projects/{name}/stop", "project", "stop",
        "Stop all services, dependents first.", (_TIMEOUT,), wait_s=_WAIT_S,
    ),
    Route(
        "POST", "/projects/{name}/kill", "project", "kill",
        "Send a signal to all containers, dependents first.", (_SIGNAL,), wait_s=_WAIT_S + _STOP_S,
    ),
    Route(
        "POST", "/projects/{name}/redeploy", "project", "redeploy",
        "Put back what was removed, on the newest images.", wait_s=_WAIT_S + _STOP_S,
    ),
    Route(
        "POST", "/projects/{name}/update", "project", "update",
        "Replace the template; containers whose definition changes are made anew.",
        body=UpdateProjectBody, success=202, plans=True,
    ),
    Route(
        "POST", "/projects/{name}/confirm-update", "project", "confirm",
        "Make the new version of a blue-green update the current one; go on with a paused update.",
        (_SMOOTH,), success=202,
    ),
    Route(
        "POST", "/projects/{name}/rollback-update", "project", "rollback",
        "Undo the update that is under way, or go back to an earlier revision.",
        (_ROLLBACK_FORCE, _TO), success=202,
    ),
    Route(
        "PUT", "/projects/{name}/weights", "project", "weight",
        "Divide traffic between the versions of services.",
        body=SetWeightsBody, body_field="weights", wait_s=_WAIT_S,
    ),
    Route(
        "GET", "/projects/{name}/revisions", "project", "revisions",
        "The newest revisions of a project, oldest first.", result=release_views.Revision, is_list=True,
    ),
    Route(
        "GET", "/projects/{name}/revisions/{number}", "project", "revision",
        "One revision, with its template.", result=release_views.Revision,
    ),
    Route(
        "GET", "/projects/{name}/routes", "project", "routes",
        "Where the project's traffic goes, and which routers know.", result=release_views.ProjectRouting,
    ),
    Route(
        "DELETE", "/projects/{name}", "project", "delete", "Delete a project.",
        (_FORCE, _VOLUMES), wait_s=_WAIT_S + _STOP_S,
    ),
    Route(
        "POST", "/projects/{name}/restore", "project", "restore",
        "Make a record that is lost or in doubt again from the nodes' documents.", wait_s=_WAIT_S,
    ),
)  # fmt: skip
_SERVICE_ROUTES = (
    Route(
        "GET", "/services/", "service", "list", "The services of all projects, by id.",
        (_Q, _CONTAINERS), result=views.Service, is_list=True,
    ),
    Route(
        "GET", "/services/{service_id}", "service", "inspect", "One service.",
        (_CONTAINERS,), result=views.Service,
    ),
    Route(
        "POST", "/services/{service_id}/start", "service", "start",
        "Start the service's containers.", wait_s=_WAIT_S,
    ),
    Route(
        "POST", "/services/{service_id}/stop", "service", "stop",
        "Stop the service's containers.", (_TIMEOUT,), wait_s=_WAIT_S,
    ),
    Route(
        "POST", "/services/{service_id}/kill", "service", "kill",
        "Send a signal to the service's containers.", (_SIGNAL,), wait_s=_WAIT_S + _STOP_S,
    ),
    Route(
        "POST", "/services/{service_id}/scale", "service", "scale",
        "Change the service's number of containers.", body=ScaleServiceBody,
        wait_s=_WAIT_S + _STOP_S,
    ),
)  # fmt: skip
_VOLUME_ROUTES = (
    Route(
        "POST", "/volumes/create", "volume", "create", "Mount shared storage on every node.",
        (_TAKE_OVER,), body=CreateVolumeBody, shows=views.Volume, success=201,
    ),
    Route(
        "GET", "/volumes", "volume", "list", "All volumes, once for each of their nodes.",
        result=views.Volumes,
    ),
    Route("GET", "/volumes/{name}", "volume", "inspect", "One volume.", result=views.Volume),
    Route(
        "DELETE", "/volumes/{name}", "volume", "delete",
        "Unmount a volume everywhere. Remote data is never touched.", success=204, wait_s=_WAIT_S,
    ),
    Route(
        "POST", "/volumes/{name}/restore", "volume", "restore",
        "Make a record that is lost or in doubt again from the nodes' documents.", wait_s=_WAIT_S,
    ),
)  # fmt: skip
_NODES = (
    Route("GET", "/hosts/", "node", "list", "All nodes, by name.", result=views.Node, is_list=True),
)

ROUTES: tuple[Route, ...] = (*_PROJECTS, *_SERVICE_ROUTES, *_VOLUME_ROUTES, *_NODES)

#: routes of the reference that a later version serves, and what they are about
PLANNED: tuple[tuple[str, str, str], ...] = (
    ("GET", "/clusters/{name}/certs", "handing out certificates"),
)
