"""Commands and their replies: the one door into the coordinator, over HTTP and over NATS.

A command is carried out at most once for its `command_id`; sending it again gives the first
answer. After `deadline` it is refused. Field names are those of the HTTP API, so a publisher reads
one reference for both.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.document import Document, Part
from schemas.errors import TroopersError
from schemas.names import ProjectName, VolumeName, split_service_id
from schemas.signals import SignalName
from schemas.volume import Driver, folded

#: An id must be short enough to be remembered by the thousand.
CommandId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^\S+$")]


def _written_out(value: object) -> object:
    """Text only: a number would be taken for seconds since 1970."""
    if not isinstance(value, str | datetime):
        raise PydanticCustomError("time", "must be an RFC 3339 time, such as 2026-11-23T12:00:00Z")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_written_out)]

#: Above this a `scale` is a typing error, not a wish.
SCALE_MAX = 10_000
#: A day: longer than any sane shutdown, and still a bound.
STOP_TIMEOUT_MAX_S = 86_400


class Command(Document):
    """What every command carries."""

    command_id: CommandId
    deadline: Time | None = None
    #: how long the reply may wait for the operation to be carried out; 0 answers on acceptance
    wait: float = Field(default=0.0, ge=0, le=3600)
    #: who asked, for the audit stream
    issuer: str = Field(default="", max_length=256)

    def expired(self, now: datetime) -> bool:
        return self.deadline is not None and now > self.deadline


class ProjectCommand(Command):
    """A command about the project `name`."""

    name: str

    @property
    def target(self) -> str:
        return self.name

    @property
    def project(self) -> str:
        """The project it is about."""
        return self.name


class CreateProject(ProjectCommand):
    """Create a project from a Compose template and start it."""

    name: ProjectName
    template: str
    description: str = Field(default="", max_length=1024)
    version: str = Field(default="1.0", min_length=1, max_length=128)
    environment: dict[str, str] = Field(default_factory=dict)
    latest_image: bool = False
    #: also over a record that can't be read, or is older than what was made from it
    take_over: bool = False


class StartProject(ProjectCommand):
    """Start all services, dependencies first."""


class StopProject(ProjectCommand):
    """Stop all services, dependents first. `timeout`: seconds before a container is killed."""

    timeout: int = Field(default=10, ge=0, le=STOP_TIMEOUT_MAX_S)


class KillProject(ProjectCommand):
    """Signal all containers, dependents first."""

    signal: SignalName = "KILL"


class RedeployProject(ProjectCommand):
    """Start everything, put back what was removed, and recreate what runs an outdated image."""


class DeleteProject(ProjectCommand):
    """Remove the project. `force` also kills what runs; `volumes` also removes local volumes."""

    force: bool = False
    volumes: bool = False


class RestoreProject(ProjectCommand):
    """Make the project's record again from the nodes' documents, where it is lost or in doubt."""


class ServiceCommand(Command):
    """A command about one service, by `{project}_{service}`."""

    service_id: str

    @property
    def target(self) -> str:
        return self.service_id

    @property
    def project(self) -> str:
        """The project it is about; empty when the id names none."""
        return (split_service_id(self.service_id) or ("", ""))[0]

    @property
    def service(self) -> str:
        """The service's name in its project; empty when the id names none."""
        return (split_service_id(self.service_id) or ("", ""))[1]


class StartService(ServiceCommand):
    """Start the service's containers."""


class StopService(ServiceCommand):
    """Stop the service's containers. `timeout`: seconds before a container is killed."""

    timeout: int = Field(default=10, ge=0, le=STOP_TIMEOUT_MAX_S)


class KillService(ServiceCommand):
    """Signal the service's containers."""

    signal: SignalName = "KILL"


class ScaleService(ServiceCommand):
    """Set the service's number of containers: to `value`, or by `value` more or fewer."""

    type: Literal["scale_to", "scale_out", "scale_in"]
    value: int = Field(ge=0, le=SCALE_MAX, strict=True)


class VolumeCommand(Command):
    """A command about the volume `name`."""

    name: str

    @property
    def target(self) -> str:
        return self.name


class CreateVolume(VolumeCommand):
    """Mount shared storage on every node. Keys are taken in any case, also Docker's spelling."""

    model_config = ConfigDict(populate_by_name=True)

    name: VolumeName
    driver: Driver
    #: text, or what can be written as text; never shown again
    driver_opts: dict[str, str | int | bool] = Field(
        alias="driverOpts", default_factory=dict, repr=False
    )
    #: also over a record that can't be read, or is older than what was made from it
    take_over: bool = False

    @model_validator(mode="before")
    @classmethod
    def _in_any_case(cls, plain: object) -> object:
        return folded(plain)


class DeleteVolume(VolumeCommand):
    """Unmount a volume everywhere and forget it. Remote data is never touched."""


class RestoreVolume(VolumeCommand):
    """Make the volume's record again from the nodes' documents, where it is lost or in doubt."""


AnyProjectCommand = (
    CreateProject
    | StartProject
    | StopProject
    | KillProject
    | RedeployProject
    | DeleteProject
    | RestoreProject
    | StartService
    | StopService
    | KillService
    | ScaleService
)
AnyVolumeCommand = CreateVolume | DeleteVolume | RestoreVolume
AnyCommand = AnyProjectCommand | AnyVolumeCommand
#: by noun and verb of their subject
COMMANDS: dict[tuple[str, str], type[AnyCommand]] = {
    ("project", "create"): CreateProject,
    ("project", "start"): StartProject,
    ("project", "stop"): StopProject,
    ("project", "kill"): KillProject,
    ("project", "redeploy"): RedeployProject,
    ("project", "delete"): DeleteProject,
    ("project", "restore"): RestoreProject,
    ("service", "start"): StartService,
    ("service", "stop"): StopService,
    ("service", "kill"): KillService,
    ("service", "scale"): ScaleService,
    ("volume", "create"): CreateVolume,
    ("volume", "delete"): DeleteVolume,
    ("volume", "restore"): RestoreVolume,
}


_VERBS = {model: pair for pair, model in COMMANDS.items()}


def verb_of(command: AnyCommand) -> tuple[str, str]:
    """The noun and verb under which a command is requested."""
    return _VERBS[type(command)]


class ReasonCode(StrEnum):
    """Why a command was refused or failed. The HTTP face has one status for each."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class Reason(Part):
    """Words for people and a code for programs. `where` is a path into what was sent."""

    code: ReasonCode
    message: str
    where: str = ""

    @classmethod
    def of(cls, error: TroopersError) -> "Reason":
        """What an error says. Its class names the code; a caller's fault without one is `invalid`."""
        return cls(
            code=getattr(error, "code", ReasonCode.INVALID),
            message=getattr(error, "message", str(error)),
            where=getattr(error, "where", ""),
        )


class Progress(StrEnum):
    """How far an accepted command's operation is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Reply(Document):
    """The answer to a command or a query.

    `accepted` with progress `failed` means that the wish is kept and is still being worked on, but
    something stands in its way that won't pass by itself.
    """

    command_id: str = ""
    outcome: Literal["accepted", "rejected"]
    operation_id: str = ""
    progress: Progress | None = None
    reason: Reason | None = None
    warnings: tuple[str, ...] = ()
    #: a query's answer, shaped as the HTTP API's body
    result: Any = None

    @classmethod
    def rejecting(cls, error: TroopersError, *, command_id: str = "") -> "Reply":
        """The rejection that says what is wrong."""
        return cls(command_id=command_id, outcome="rejected", reason=Reason.of(error))
