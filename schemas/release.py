"""Releases: from one set of services to another one, as data.

A project's record is its current `ServiceSet`; while it is updated, `release` holds the next one and
how far it is. Whatever a coordinator needs to go on is here; only the clocks of a batch begin anew.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from schemas.desired import DesiredNetwork, DesiredVolume
from schemas.document import Part
from schemas.names import ServiceName, SetName
from schemas.states import State
from schemas.template import ServiceTemplate


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
    #: part of its slots' keys, for it tells them from those of another set of the same name
    set_name: SetName = ""
    #: the set that its own networks are made for; another one's services are joined to them
    network_set: SetName = ""


class ServiceSet(Part):
    """A project at one revision: a template, and the services that follow from it."""

    #: counts the updates of a project
    revision: int = Field(default=1, ge=1)
    description: str = ""
    template: str = Field(default="", repr=False)
    #: what is shown instead, where it holds secrets
    shown_template: str = ""
    #: variables whose values are never shown
    hidden_variables: tuple[str, ...] = ()
    version: str
    environment: dict[str, str] = Field(default_factory=dict)
    compose_version: str = ""
    services: dict[str, ServiceRecord] = Field(default_factory=dict)
    networks: tuple[DesiredNetwork, ...] = ()
    volumes: tuple[DesiredVolume, ...] = ()
    warnings: tuple[str, ...] = ()


class ReleaseKind(StrEnum):
    """How a project goes from one set of services to the next."""

    #: containers are replaced, batch by batch
    STANDARD = "standard"
    #: both sets run side by side until one of them is confirmed
    BLUE_GREEN = "blue-green"


class ReleaseState(StrEnum):
    """How far a release is. The last two end it."""

    #: every node gets the images; no container is touched
    PULLING = "pulling"
    #: an image can't be had; no container was touched, and none is
    PULL_FAILED = "pull_failed"
    #: batch by batch, or the whole next set beside the current one
    UPDATING = "updating"
    #: too many containers failed: nothing more is begun, what runs runs on
    PAUSED = "paused"
    #: both sets run; an operator has to say which one stays
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    #: confirmed; routers take the next set's weights before the current one goes
    CONFIRMING = "confirming"
    #: back to the current set, batch by batch
    ROLLING_BACK = "rolling_back"
    #: what is rolled back fails as well: a rollback is never rolled back
    ROLLBACK_PAUSED = "rollback_paused"
    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"


class Rollout(Part):
    """How far one changed service is, by slot number; of a global service, by node index.

    The two differ while old and new containers of a slot exist side by side.
    """

    #: slots up to this one are of the next set
    begun: int = Field(default=0, ge=0)
    #: slots up to this one are not of the current set any more
    replaced: int = Field(default=0, ge=0)


class Release(Part):
    """An update that is under way."""

    kind: ReleaseKind
    state: ReleaseState
    #: what is to be current when it is completed
    target: ServiceSet
    #: of the services that are changed or new; all others are shared by both sets
    rollouts: dict[ServiceName, Rollout] = Field(default_factory=dict)
    #: confirmed before it was up: `smooth` moves all weight first, `keep` leaves the weights alone
    confirmed: Literal["", "smooth", "keep"] = ""
    #: why it waits or is paused, in words
    message: str = ""
    #: of the update
    operation: Operation
    #: the newest operation that decided about it: update, confirm or rollback
    decided_by: Operation | None = None


class ReleaseOutcome(Part):
    """How the newest release ended."""

    kind: ReleaseKind
    outcome: Literal[ReleaseState.COMPLETED, ReleaseState.ROLLED_BACK]
    version: str
    revision: int
    message: str = ""
    ended: str
    #: of the update that began it
    operation: str
    #: of the command that confirmed it or wanted it undone
    decided_by: str = ""


class RevisionNote(Part):
    """One line of a project's history."""

    number: int = Field(ge=1)
    version: str
    description: str = ""
    created: str
    #: empty: it is under way
    outcome: Literal["", ReleaseState.COMPLETED, ReleaseState.ROLLED_BACK] = ""
    #: the revision that it was made again from; 0: none
    of_revision: int = 0
    #: part of its key, as in the revision: a number alone may have been another operation's, which
    #: came to nothing
    operation: str = ""
