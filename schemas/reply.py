"""Replies to commands and queries, over HTTP and over NATS."""

from enum import StrEnum
from typing import Any, Literal

from schemas.document import Document, Part
from schemas.errors import TroopersError


class ReasonCode(StrEnum):
    """Why a command was refused or failed. The HTTP face has one status for each."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EXPIRED = "expired"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"


class Reason(Part):
    """Words for people and a code for programs. `where` is a path into what was sent."""

    code: ReasonCode
    message: str
    where: str = ""

    @classmethod
    def of(cls, error: TroopersError) -> "Reason":
        """What an error says. Its class names the code; a caller's fault without one is `invalid`."""
        return cls(
            code=getattr(error, "code", ReasonCode.INVALID),
            message=getattr(error, "message", str(error)),
            where=getattr(error, "where", ""),
        )


class Progress(StrEnum):
    """How far an accepted command's operation is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Reply(Document):
    """The answer to a command or a query.

    `accepted` with progress `failed` means that the wish is kept and is still being worked on, but
    something stands in its way that won't pass by itself.
    """

    command_id: str = ""
    outcome: Literal["accepted", "rejected"]
    operation_id: str = ""
    progress: Progress | None = None
    reason: Reason | None = None
    warnings: tuple[str, ...] = ()
    #: a query's answer, shaped as the HTTP API's body
    result: Any = None

    @classmethod
    def rejecting(cls, error: TroopersError, *, command_id: str = "") -> "Reply":
        """The rejection that says what is wrong."""
        return cls(command_id=command_id, outcome="rejected", reason=Reason.of(error))
