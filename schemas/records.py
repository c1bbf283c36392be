"""What the coordinator keeps: one record per project and per node, changed by compare-and-set only.

A record holds what was asked and decided, never what was observed.
"""

from typing import Any, Literal

from pydantic import Field

from schemas.command import Reply
from schemas.desired import DesiredNetwork, DesiredVolume, PullPolicy
from schemas.document import Part, Record
from schemas.names import NodeName, ProjectName, ServiceName
from schemas.service import ServiceSpec
from schemas.states import State
from schemas.volume import VolumeSecret, VolumeSpec


class Expression(Part):
    """One scheduling expression, such as `constraint:group==web`."""

    kind: Literal["constraint", "affinity"]
    key: str
    negated: bool = False
    #: the pattern: `*` matches anything, `/…/` is an unanchored regular expression
    value: str
    #: best effort: dropped when no node would be left
    soft: bool = False


class PlacementPolicy(Part):
    """Where a service's containers may run."""

    expressions: tuple[Expression, ...] = ()
    #: spread over at least that many zones (`availability:az==N`)
    zones_min: int | None = Field(default=None, ge=1)
    zones_soft: bool = False
    #: `reschedule:on-node-failure`: place elsewhere when the node is down
    reschedule: bool = False
    #: services of the project whose slots must share a node with this one's (network_mode, volumes)
    together_with: tuple[str, ...] = ()


class ServiceTemplate(Part):
    """One service, as its template says: the last stage of the Compose pipeline."""

    name: ServiceName
    spec: ServiceSpec
    #: the Compose definition, normalised, as the API shows it
    definition: dict[str, Any] = Field(default_factory=dict)
    #: the `aliyun.*` labels, as the API shows them; without `scale`
    extensions: dict[str, Any] = Field(default_factory=dict)
    scale: int = Field(default=1, ge=0)
    #: one container on every node
    is_global: bool = False
    #: services of the same project that must run first
    depends_on: tuple[str, ...] = ()
    #: of these, what must be true before this one starts, where it is more than running
    conditions: dict[str, Literal["healthy", "completed"]] = Field(default_factory=dict)
    #: `pull_policy`, or `always` by `aliyun.latest_image`
    pull: PullPolicy = PullPolicy.MISSING
    placement: PlacementPolicy = PlacementPolicy()


class ProjectTemplate(Part):
    """A whole resolved template."""

    compose_version: str = ""
    services: tuple[ServiceTemplate, ...]
    networks: tuple[DesiredNetwork, ...] = ()
    volumes: tuple[DesiredVolume, ...] = ()
    warnings: tuple[str, ...] = ()
    #: the template's text with every inline secret replaced; empty: there is none
    shown_text: str = ""
    #: variables of the project's environment that are secrets
    hidden_variables: tuple[str, ...] = ()


class Operation(Part):
    """What an accepted command has begun."""

    id: str
    #: noun.verb, for messages
    verb: str
    #: the service it is about; empty: all of them
    service: str = ""
    started: str
    #: counts the operations on a project or volume
    number: int = 0


class ServiceRecord(Part):
    """A service of a project: its template, and what commands have made of it since."""

    template: ServiceTemplate
    #: containers wanted now; a scale command changes it
    scale: int = Field(ge=0)
    desired_state: Literal[State.RUNNING, State.STOPPED] = State.RUNNING
    #: how the last stop or kill asked for it
    stop_signal: str = ""
    stop_timeout_s: float | None = None
    refresh: int = 0
    tries: int = 0
    #: the newest operation that changed whether it is wanted, or how often
    changed_by: Operation | None = None
    created: str
    updated: str


class RememberedReply(Reply):
    """The answer to a command, and what tells the command from another one with its id."""

    #: verb and target, as `service.stop shop_web`
    about: str = ""
    #: of the command's fields
    digest: str = ""
    operation: Operation | None = None

    @property
    def plain(self) -> Reply:
        """As it was sent."""
        return Reply(**{name: getattr(self, name) for name in Reply.model_fields})


class ProjectRecord(Record):
    """A project. One that is `deleted` is a tombstone that only remembers its commands."""

    name: ProjectName
    description: str = ""
    template: str = Field(default="", repr=False)
    #: what is shown instead, where it holds secrets
    shown_template: str = ""
    #: variables whose values are never shown
    hidden_variables: tuple[str, ...] = ()
    version: str
    environment: dict[str, str] = Field(default_factory=dict)
    compose_version: str = ""
    created: str
    updated: str
    desired_state: Literal[State.RUNNING, State.STOPPED, State.DELETED] = State.RUNNING
    services: dict[str, ServiceRecord] = Field(default_factory=dict)
    networks: tuple[DesiredNetwork, ...] = ()
    volumes: tuple[DesiredVolume, ...] = ()
    warnings: tuple[str, ...] = ()
    #: with `desired_state` deleted: remove local volumes too
    remove_volumes: bool = False
    #: with `desired_state` deleted: nodes that can't be reached don't hold it up
    force: bool = False
    #: everything is gone from every node: the API answers 404
    is_gone: bool = False
    #: documents that were made from records up to this revision are no proof against this one: an
    #: operator has restored, replaced or deleted it since
    accepts: int = 0
    operation: Operation | None = None
    #: the answers to the newest commands, oldest first
    replies: tuple[RememberedReply, ...] = ()


class VolumeRecord(Record):
    """A shared volume. One that is gone is a tombstone that only remembers its commands."""

    name: ProjectName
    volume: VolumeSpec
    secret: VolumeSecret | None = Field(default=None, repr=False)
    created: str
    updated: str
    desired_state: Literal[State.RUNNING, State.DELETED] = State.RUNNING
    is_gone: bool = False
    #: as a project's
    accepts: int = 0
    operation: Operation | None = None
    replies: tuple[RememberedReply, ...] = ()


class NodeRecord(Record):
    """A node that has joined. Its index never changes and is never given away again."""

    name: NodeName
    index: int = Field(ge=1)
    joined: str
    #: takes no new containers
    is_cordoned: bool = False
