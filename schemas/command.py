"""Commands: the one door into the coordinator, over HTTP and over NATS.

A command is carried out at most once for its `command_id`; sending it again gives the first
answer. After `deadline` it is refused. Field names are those of the HTTP API, so a publisher reads
one reference for both.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeGuard

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.document import Document
from schemas.names import ProjectName, RevisionNumber, VolumeName, split_service_id
from schemas.signals import SignalName
from schemas.times import Time
from schemas.versions import Version, Weight
from schemas.volume import Driver, folded

#: An id must be short enough to be remembered by the thousand.
CommandId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^\S+$")]

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
    version: Version = Field(default="1.0", min_length=1)
    environment: dict[str, str] = Field(default_factory=dict)
    latest_image: bool = False
    #: also over a record that can't be read, or is older than what was made from it
    take_over: bool = False
    #: do nothing, and answer what would be done
    dry_run: bool = False


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


class UpdateProject(ProjectCommand):
    """Replace the project's template: containers whose definition changes are made anew."""

    #: an inline secret that is `***`, as it is shown, stays as it was
    template: str
    #: None or empty: as it was
    description: str | None = Field(default=None, max_length=1024)
    #: must be another one than the current; empty: the current one counted up
    version: Version = ""
    #: None: as it was; otherwise all of it. A hidden variable that is `***`, as it is shown, stays
    environment: dict[str, str] | None = None
    #: ask registries for the newest images
    latest_image: bool = False
    #: `blue-green` runs the new version beside the old one until it is confirmed, and needs a version
    update_method: Literal["", "standard", "blue-green"] = ""
    #: do nothing, and answer what would be done
    dry_run: bool = False


class ConfirmUpdate(ProjectCommand):
    """Make the new version of a blue-green update the current one, or go on with a paused update."""

    #: move all traffic to the new version first; otherwise the weights stay as they were set
    force: bool = True


class RollbackUpdate(ProjectCommand):
    """Undo the update that is under way; with `to`, go back to an earlier revision."""

    #: without a meaning so far, as in the reference
    force: bool = True
    to: RevisionNumber | None = None


class SetWeights(ProjectCommand):
    """Say how traffic is divided between the versions of services."""

    #: service -> version -> its part, relative to the others
    weights: dict[str, dict[str, Weight]]


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
    | UpdateProject
    | ConfirmUpdate
    | RollbackUpdate
    | SetWeights
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
    ("project", "update"): UpdateProject,
    ("project", "confirm"): ConfirmUpdate,
    ("project", "rollback"): RollbackUpdate,
    ("project", "weight"): SetWeights,
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


def is_dry_run(command: AnyCommand) -> TypeGuard[CreateProject | UpdateProject]:
    """Whether nothing is to be done, and the answer is what would be."""
    return isinstance(command, CreateProject | UpdateProject) and command.dry_run


_VERBS = {model: pair for pair, model in COMMANDS.items()}


def verb_of(command: AnyCommand) -> tuple[str, str]:
    """The noun and verb under which a command is requested."""
    return _VERBS[type(command)]
