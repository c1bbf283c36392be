"""What a Compose template becomes: the last stage of its pipeline, and what a record keeps of it."""

from typing import Any, Literal

from pydantic import Field

from schemas.desired import DesiredNetwork, DesiredVolume, PullPolicy
from schemas.document import Part
from schemas.names import ServiceName
from schemas.service import ServiceSpec


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


class UpdatePolicy(Part):
    """How the containers of a service are replaced, as Compose's `update_config` says it."""

    #: containers of one batch; 0: all of them at once
    parallelism: int = Field(default=0, ge=0)
    #: between a batch that is up and the next one
    delay_s: float = Field(default=0.0, ge=0)
    #: how long after it is up a container may still fail the update
    monitor_s: float = Field(default=5.0, ge=0)
    #: the part of all containers of the service that may fail
    max_failure_ratio: float = Field(default=0.0, ge=0, le=1)
    order: Literal["stop-first", "start-first"] = "stop-first"
    #: what becomes of the whole release when more of them fail
    failure_action: Literal["pause", "continue", "rollback"] = "pause"


class RouteRule(Part):
    """One `aliyun.routing.port_N` entry: a domain, and a path below it, that lead to a port."""

    port: int = Field(ge=1, le=65535)
    #: a whole name, or one label that the cluster's domain completes
    domain: str
    #: without a leading slash
    path: str = ""


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
    update: UpdatePolicy = UpdatePolicy()
    #: of `rollback_config`
    rollback: UpdatePolicy = UpdatePolicy()
    routes: tuple[RouteRule, ...] = ()
    #: a client stays with the container that answered it first
    is_sticky: bool = True


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
