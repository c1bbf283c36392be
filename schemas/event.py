"""`Event`: something that happened, for people and programs to follow. Never input to a decision."""

from enum import StrEnum

from pydantic import Field

from schemas.document import Document


class EventKind(StrEnum):
    """Every kind of event. It is also the last token of the subject."""

    CONTAINER_CREATED = "container_created"
    CONTAINER_STARTED = "container_started"
    CONTAINER_STOPPED = "container_stopped"
    CONTAINER_DIED = "container_died"
    CONTAINER_OOM = "container_oom"
    CONTAINER_HEALTH = "container_health"
    CONTAINER_REMOVED = "container_removed"
    SLOT_PROBLEM = "slot_problem"
    ENGINE_STATE = "engine_state"
    MOUNT_OK = "mount_ok"
    MOUNT_STUCK = "mount_stuck"
    MOUNT_FAILED = "mount_failed"
    MOUNT_REMOVED = "mount_removed"
    PASS_FAILED = "pass_failed"
    NODE_JOINED = "node_joined"
    NODE_REFUSED = "node_refused"
    NODE_STATE = "node_state"
    #: what is left undone, or made do with, on purpose
    NODE_NOTE = "node_note"
    SLOT_MOVED = "slot_moved"
    DATA_LOST = "data_lost"
    #: what is kept of a project or volume proves nothing: lost, unreadable, or an old copy
    RECORD_DOUBTED = "record_doubted"
    TEMPLATE_WARNED = "template_warned"
    #: an update has come to another of its states
    RELEASE_STATE = "release_state"
    OPERATION_STARTED = "operation_started"
    OPERATION_ENDED = "operation_ended"


class Event(Document):
    """One thing that happened, on `node` (empty: in the coordinator). `at` is RFC 3339, UTC."""

    id: str
    at: str
    kind: EventKind
    node: str = ""
    project: str = ""
    service: str = ""
    slot: int | None = None
    container_id: str = ""
    message: str = ""
    #: the operation that this is a consequence of, where one is known
    correlation_id: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)
