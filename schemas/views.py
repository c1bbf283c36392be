"""The bodies of the HTTP API: what its readers see of projects, services, containers and nodes.

A field with a default may be missing from a body; every other one is always there. Maps and lists
are never null. Deliberately not here: what is asked of the API (`schemas.bodies`).
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.body import Body
from schemas.release_views import LastRelease, ReleaseView
from schemas.states import NodeState, State

#: lost; there and not readable; older than what was made from it
RecordDoubt = Literal["lost", "unreadable", "rolled_back"]


class Capitalised(BaseModel):
    """What the reference's clients spell with capitals."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)


class PortView(Body):
    """Where one container port can be reached. The port is text, as in Docker's own API.

    A port on every interface is at the node's address, and `::` or `0.0.0.0` where the node's
    address is of the other kind.
    """

    host_ip: str
    host_port: str


class ContainerView(Body):
    """One container of a service, under its full id."""

    #: as Docker shows it, with a leading slash
    name: str
    #: the node's address
    node: str
    node_name: str
    #: the node again, as `GET /hosts/` names it in `InstanceId`
    vm_id: str
    #: its own address in the project's network
    ip: str
    running: bool
    #: Docker's word: created, running, paused, restarting, removing, exited, dead
    status: str
    #: what `status` doesn't say, in words
    status_ext: str
    #: success (also where nothing checks it), failure, starting, or empty when it doesn't run
    health: str
    #: exits in a row that nobody asked for
    fail_count: int
    #: "80/tcp" -> where it is published
    ports: dict[str, tuple[PortView, ...]]
    #: the project's version that it was made for
    version: str
    #: its newest lines, of one that has failed
    log_tail: tuple[str, ...] = ()


class Service(Body):
    """A service: containers of the same image and the same definition."""

    #: {project}_{service}
    id: str
    name: str
    project: str
    description: str = ""
    created: str
    updated: str
    #: the end of the transition that `current_state` shows
    desired_state: State
    current_state: State
    #: the Compose definition, normalised
    definition: dict[str, Any]
    #: the `aliyun.*` labels, and the number of containers wanted now as `scale`
    extensions: dict[str, Any]
    #: by full container id; empty when not asked for
    containers: dict[str, ContainerView]
    compose_version: str
    #: of the definition: equal exactly for containers that need not be recreated
    hash: str
    #: the project's version that this service belongs to
    version: str
    #: why it isn't what is wanted, most important first
    reasons: tuple[str, ...]


class OperationView(Body):
    """The newest accepted command on a project."""

    id: str
    #: noun.verb
    verb: str
    #: the one service it is about
    service: str = ""
    started: str


class Project(Body):
    """A project: a Compose template and what became of it."""

    name: str
    description: str
    #: the text as it was sent, variables not substituted
    template: str
    version: str
    #: the user's variables and those that the server adds
    environment: dict[str, str]
    created: str
    updated: str
    #: the end of the transition that `current_state` shows
    desired_state: State
    current_state: State
    #: by name; empty when not asked for
    services: tuple[Service, ...]
    #: why it isn't what is wanted, most important first
    reasons: tuple[str, ...]
    #: what the template says and Troopers doesn't do
    warnings: tuple[str, ...]
    operation: OperationView | None = None
    #: counts the updates
    revision: int
    release: ReleaseView | None = None
    last_release: LastRelease | None = None
    #: containers of a version that was replaced, by full id, until they are gone
    retired: dict[str, ContainerView] | None = None
    #: what is wrong with its record; absent: nothing
    record: RecordDoubt | None = None


class Node(Capitalised):
    """One server of the cluster. Capitals as the reference clients spell these fields."""

    name: str = Field(alias="Name")
    ip: str = Field(alias="IP")
    #: it speaks, and its Docker Engine answers
    healthy: bool = Field(alias="Healthy")
    status: NodeState = Field(alias="Status")
    #: why it is not healthy
    reason: str = Field(alias="Reason")
    #: seconds since it was last heard
    silent_for_s: float = Field(alias="SilentFor")
    instance_id: str = Field(alias="InstanceId")
    zone_id: str = Field(alias="ZoneId")
    region_id: str = Field(alias="RegionId")
    created: str
    updated: str
    containers: int = Field(alias="Containers")
    containers_running: int = Field(alias="ContainersRunning")
    containers_paused: int = Field(alias="ContainersPaused")
    containers_stopped: int = Field(alias="ContainersStopped")
    agent_version: str = Field(alias="AgentVersion")
    engine_version: str = Field(alias="EngineVersion")
    labels: dict[str, str] = Field(alias="Labels")
    #: what `constraint:aliyun.node_index==…` compares with
    index: int = Field(alias="Index")
    #: takes no new containers
    cordoned: bool = Field(alias="Cordoned")
    cpus: float = Field(alias="CPUs")
    memory_bytes: int = Field(alias="Memory")


class VolumeRef(Capitalised):
    """A container that uses a volume."""

    name: str = Field(alias="Name")
    id: str = Field(alias="ID")


class Volume(Capitalised):
    """A shared volume on one node, in Docker's spelling. The options are never shown."""

    name: str = Field(alias="Name")
    driver: str = Field(alias="Driver")
    mountpoint: str = Field(alias="Mountpoint")
    labels: dict[str, str] | None = Field(alias="Labels")
    #: global: on every node
    scope: str = Field(alias="Scope")
    #: missing in the answer to create; empty while no node has it
    node: str = Field(default="", alias="Node")
    refs: tuple[VolumeRef, ...] = Field(default=(), alias="Refs")
    #: mounting, mounted, stuck, failed or unmounting; on that node
    state: str = Field(default="", alias="State")
    since: str = Field(default="", alias="Since")
    #: why it is stuck or failed
    reason: str = Field(default="", alias="Reason")
    #: what is wrong with its record; absent: nothing
    record: RecordDoubt | None = Field(default=None, alias="Record")


class Volumes(Capitalised):
    """All volumes."""

    volumes: tuple[Volume, ...] = Field(alias="Volumes")


class Error(Body):
    """The body of every answer that is no success."""

    message: str


class Health(Body):
    """The body of `/healthz` and `/readyz`."""

    status: str
    #: of a coordinator that is ready: what is wrong with single records, and the ways out
    in_doubt: tuple[str, ...] | None = None
