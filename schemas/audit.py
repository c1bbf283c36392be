"""`AuditEntry`: one command and its fate, kept for people who ask who did what."""

from schemas.document import Document
from schemas.reply import Reason


class AuditEntry(Document):
    """Written for every command, accepted or refused. `at` is RFC 3339, UTC."""

    at: str
    command_id: str
    #: noun.verb
    verb: str
    #: the project, or the service's id
    target: str
    issuer: str = ""
    outcome: str
    operation_id: str = ""
    reason: Reason | None = None
    #: what an accepted template says and Troopers doesn't do
    warnings: tuple[str, ...] = ()
    #: the coordinator that decided, and its epoch
    coordinator: str = ""
    epoch: int = 0
