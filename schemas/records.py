"""What the coordinator keeps: one record per project and per node, changed by compare-and-set only.

A record holds what was asked and decided, never what was observed.
"""

from typing import Literal

from pydantic import Field

from schemas.document import Record
from schemas.names import NodeName, ProjectName
from schemas.release import Operation, Release, ReleaseOutcome, RevisionNote, ServiceSet
from schemas.reply import Reply
from schemas.states import State
from schemas.volume import VolumeSecret, VolumeSpec


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


class ProjectRecord(Record, ServiceSet):
    """A project: its current set of services, and the release that replaces it, if there is one.

    One that is `deleted` is a tombstone that only remembers its commands.
    """

    # Of the two it comes from, a record: what it doesn't know survives.
    model_config = Record.model_config

    name: ProjectName
    created: str
    updated: str
    desired_state: Literal[State.RUNNING, State.STOPPED, State.DELETED] = State.RUNNING
    release: Release | None = None
    last_release: ReleaseOutcome | None = None
    #: the newest revisions, oldest first
    history: tuple[RevisionNote, ...] = ()
    #: service -> version -> its part of the traffic, relative to the others; missing: as by default
    weights: dict[str, dict[str, int]] = Field(default_factory=dict)
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
