"""Whether a container is the one that is wanted."""

from dataclasses import dataclass
from enum import StrEnum

from agent.domain.observation import SeenContainer
from schemas.desired import DesiredSlot


class Verdict(StrEnum):
    """How far a container is from what is wanted."""

    UP_TO_DATE = "up to date"
    NEEDS_RECREATE = "needs recreate"


@dataclass(frozen=True, slots=True)
class Drift:
    """A verdict and the rule that gave it."""

    verdict: Verdict
    reason: str = ""


def compare(
    slot: DesiredSlot, fingerprint: str, ordered_image_id: str | None, seen: SeenContainer
) -> Drift:
    """Compare by the spec's fingerprint, and after a redeploy by the image too.

    `ordered_image_id` is what the spec's image reference means on this node, after the pull where
    one is due. None: the image isn't here, or isn't pulled yet, which is no reason to give up the
    container that runs.
    """
    if seen.fingerprint != fingerprint:
        return Drift(Verdict.NEEDS_RECREATE, "its spec has changed")
    is_older = seen.refresh < slot.refresh
    if is_older and ordered_image_id is not None and ordered_image_id != seen.image_id:
        return Drift(Verdict.NEEDS_RECREATE, "its image has changed")
    return Drift(Verdict.UP_TO_DATE)
