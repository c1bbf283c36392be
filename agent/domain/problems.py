"""What to tell people about a slot that is not what it must be."""

from agent.domain.observation import Attempts
from agent.domain.shares import Lack
from agent.domain.timestamps import rfc3339
from schemas.current import SlotProblem
from schemas.desired import DesiredSlot

#: Exits in a row after which a container is taken to end again: by then the tries are far apart.
CRASHES_MAX = 5


def failed(slot: DesiredSlot, attempts: Attempts, retry_at: float | None) -> SlotProblem:
    """An action on this slot failed; what it said is the message."""
    return _problem(
        slot,
        attempts,
        code=attempts.code or "engine",
        message=attempts.message,
        count=attempts.failures,
        retry_at=retry_at,
        definite=attempts.definite,
    )


def crashed(slot: DesiredSlot, attempts: Attempts, retry_at: float | None) -> SlotProblem:
    """The container ends by itself. Without `retry_at` it is left so; else it is started again."""
    return _problem(
        slot,
        attempts,
        code="crashed",
        message=attempts.message or f"container {slot.key} has ended",
        count=attempts.exits,
        retry_at=retry_at,
        definite=retry_at is None or attempts.exits >= CRASHES_MAX,
    )


def unhealthy(slot: DesiredSlot, attempts: Attempts, retry_at: float | None) -> SlotProblem:
    """The container's HEALTHCHECK fails. Without `retry_at` it is left so."""
    return _problem(
        slot,
        attempts,
        code="unhealthy",
        message=f"container {slot.key} fails its health check",
        count=attempts.exits,
        retry_at=retry_at,
        definite=retry_at is None or attempts.exits >= CRASHES_MAX,
    )


def image_missing(slot: DesiredSlot, reference: str, node: str) -> SlotProblem:
    """Its policy forbids to pull the image, so somebody has to bring it."""
    return SlotProblem(
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        set_name=slot.set_name,
        code="image_not_found",
        message=f"image {reference} is not on node {node}, and its pull policy is never",
        definite=True,
    )


def lacking(slot: DesiredSlot, lack: Lack) -> SlotProblem:
    """A shared volume can't be used. It is mountd that tries again, so nothing is due here."""
    return SlotProblem(
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        set_name=slot.set_name,
        code=lack.code,
        message=lack.message,
        definite=lack.definite,
        since=lack.since,
    )


def differing(slot: DesiredSlot, message: str) -> SlotProblem:
    """It uses something that was made otherwise than the template has it now."""
    return SlotProblem(
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        set_name=slot.set_name,
        code="differs",
        message=message,
    )


def unreadable(slot: DesiredSlot) -> SlotProblem:
    """The engine lists the slot's container and doesn't answer for it."""
    return SlotProblem(
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        set_name=slot.set_name,
        code="engine",
        message=f"the engine does not answer for container {slot.key}",
    )


def _problem(
    slot: DesiredSlot,
    attempts: Attempts,
    *,
    code: str,
    message: str,
    count: int,
    retry_at: float | None,
    definite: bool,
) -> SlotProblem:
    return SlotProblem(
        project=slot.project,
        service=slot.service,
        slot=slot.slot,
        set_name=slot.set_name,
        code=code,
        message=message,
        definite=definite,
        since=rfc3339(attempts.since),
        retry_at=rfc3339(retry_at),
        attempts=count,
    )
