"""Containers to service to project: `roll_up`, a pure fold.

The five public words say how far a service is from what is wanted. Everything they can't say
(which node is silent, what is being waited for, what keeps failing) is kept beside them as reasons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.current import ContainerCurrent, NodeCurrent, SlotProblem
from schemas.names import SlotKey
from schemas.records import ProjectRecord, ServiceRecord
from schemas.states import Health, NodeState, State


@dataclass(frozen=True, slots=True)
class NodePicture:
    """What is known of one node: what it said last, and whether it still speaks."""

    name: str
    index: int
    joined: str
    state: NodeState
    is_cordoned: bool = False
    current: NodeCurrent | None = None
    #: seconds since it was last heard, at the time of the snapshot
    silent_for_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ContainerView:
    """A container and the node it is on."""

    current: ContainerCurrent
    node: str
    address: str
    #: the node is silent: this is how it was when last heard
    is_stale: bool = False
    #: the slot is not placed on this node (any more)
    is_leftover: bool = False


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service with its states."""

    record: ServiceRecord
    current_state: State
    desired_state: State
    containers: tuple[ContainerView, ...] = ()
    #: why it isn't what is wanted, in words, most important first
    reasons: tuple[str, ...] = ()
    #: problems that won't pass by themselves
    definite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project with its states and services, services by name."""

    record: ProjectRecord
    current_state: State
    desired_state: State
    services: Mapping[str, ServiceView] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
