"""`DOCUMENTS`: every document that crosses NATS. JSON Schema and AsyncAPI are made from this list."""

from schemas.audit import AuditEntry
from schemas.command import COMMANDS
from schemas.current import Heartbeat, NodeCurrent
from schemas.desired import NodeDesired
from schemas.document import Document
from schemas.event import Event
from schemas.lease import LeaseHolder
from schemas.node_requests import SignalReply, SignalRequest
from schemas.query import QUERIES
from schemas.records import NodeRecord, ProjectRecord, VolumeRecord
from schemas.reply import Reply
from schemas.revision import RevisionRecord
from schemas.routing import ProjectRoutes, RouterCurrent

DOCUMENTS: tuple[type[Document], ...] = (
    *COMMANDS.values(),
    *QUERIES.values(),
    Reply,
    NodeDesired,
    NodeCurrent,
    Heartbeat,
    Event,
    AuditEntry,
    SignalRequest,
    SignalReply,
    ProjectRecord,
    RevisionRecord,
    NodeRecord,
    VolumeRecord,
    LeaseHolder,
    ProjectRoutes,
    RouterCurrent,
)


def schema_file(model: type[Document]) -> str:
    """The name of the model's JSON Schema, in `schemas/json/` and in NATS micro's metadata."""
    return f"{model.__name__}.schema.json"
