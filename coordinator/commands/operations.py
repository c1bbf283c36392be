"""Operations: what accepted commands start, and how a record remembers them. Pure."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, TypeVar

from coordinator.errors import Conflict
from schemas.command import AnyCommand, verb_of
from schemas.records import ProjectRecord, RememberedReply, VolumeRecord
from schemas.release import Operation

RecordT = TypeVar("RecordT", ProjectRecord, VolumeRecord)

#: Enough for a publisher that retries for minutes, and small beside the template.
REPLIES_MAX = 32
#: may differ when a command is sent again
_CIRCUMSTANCES = {"schema_version", "command_id", "deadline", "wait", "issuer"}


@dataclass(frozen=True, slots=True)
class Moment:
    """When and as what a command is carried out."""

    now: str
    operation_id: str


def remembered(
    record: ProjectRecord | VolumeRecord | None, command: AnyCommand
) -> RememberedReply | None:
    """The answer that this command got before.

    Raises:
        Conflict: its id was used for another one, which a sender must learn: this one has no effect.
    """
    replies = record.replies if record else ()
    found = next((each for each in replies if each.command_id == command.command_id), None)
    if found is None:
        return None
    # One that was kept before commands were told apart is trusted.
    if found.digest and (found.about, found.digest) != (about(command), _digest(command)):
        raise Conflict(
            f"the command id {command.command_id} was used for another command, {found.about}"
        )
    return found


def begun(
    held: ProjectRecord | VolumeRecord | None,
    command: AnyCommand,
    moment: Moment,
    *,
    service: str = "",
) -> Operation:
    """The operation that the command starts on what is held."""
    last = held.operation.number if held and held.operation else 0
    return Operation(
        id=moment.operation_id,
        verb=".".join(verb_of(command)),
        service=service,
        started=moment.now,
        number=last + 1,
    )


def answer_to(command: AnyCommand, operation: Operation, **reply: Any) -> RememberedReply:
    """The answer to a command that is accepted."""
    return RememberedReply(
        command_id=command.command_id,
        outcome="accepted",
        operation_id=operation.id,
        about=about(command),
        digest=_digest(command),
        operation=operation,
        **reply,
    )


def with_answer(record: RecordT, reply: RememberedReply) -> RecordT:
    """The record, which remembers the answer."""
    return record.model_copy(update={"replies": (*record.replies, reply)[-REPLIES_MAX:]})


def answered(
    record: RecordT, command: AnyCommand, operation: Operation, **reply: Any
) -> tuple[RecordT, RememberedReply]:
    """The record with the operation as its newest and with its answer, and the answer."""
    answer = answer_to(command, operation, **reply)
    return with_answer(record.model_copy(update={"operation": operation}), answer), answer


def about(command: AnyCommand) -> str:
    """As `service.stop shop_web`."""
    return f"{'.'.join(verb_of(command))} {command.target}"


def _digest(command: AnyCommand) -> str:
    # Without defaults: a field that a later version adds changes the digest of no command that
    # doesn't use it, and one that is sent again across the update is still the same.
    fields = command.model_dump(mode="json", exclude=_CIRCUMSTANCES, exclude_defaults=True)
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:32]
