"""Which images to pull for what slots will be next, and how far the node is with them. Pure.

A preparation that fails concerns nobody but the one who waits for it: what failed and when it is
due is kept apart from what slots suffer, and no container is touched for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.domain.actions import PullImage, PullOrder
from agent.domain.backoff import failure_due, until_now
from agent.domain.failures import count_failure
from agent.domain.observation import NO_ATTEMPTS, Attempts, Observation
from agent.domain.outcomes import Failed, Outcome
from agent.domain.prepared_images import PreparedImage, prepared_images
from agent.domain.pulls import is_excused, prepared_for
from schemas.current import PreparationCurrent
from schemas.desired import NodeDesired, PullPolicy

#: An image that must not be pulled is looked for again this soon: no event says it was brought.
BROUGHT_LOOK_S = 30.0


@dataclass(frozen=True, slots=True)
class DuePulls:
    """The preparations to pull for now, and when the earliest other one is due."""

    images: tuple[PreparedImage, ...] = ()
    retry_at: float | None = None


def due_pulls(desired: NodeDesired, observed: Observation) -> DuePulls:
    """What is missing and neither forbidden nor backing off."""
    if observed.images is None:
        return DuePulls()
    images, later = [], []
    for image in prepared_images(desired):
        if not image.reference or prepared_for(image, observed):
            continue
        due = failure_due(observed.preparing.get(image.order, NO_ATTEMPTS))
        if image.pull is PullPolicy.NEVER:
            later.append(observed.now + BROUGHT_LOOK_S)
        elif due > observed.now:
            later.append(due)
        else:
            images.append(image)
    return DuePulls(tuple(images), min(later, default=None))


def fold_preparing(
    desired: NodeDesired, observed: Observation, outcomes: Iterable[Outcome]
) -> dict[PullOrder, Attempts]:
    """The failed pulls of each preparation that is not ready, after `outcomes`.

    `observed.preparing` is what was before. What the document no longer prepares is forgotten.
    """
    pulls = [
        (outcome.action, outcome) for outcome in outcomes if isinstance(outcome.action, PullImage)
    ]
    folded: dict[PullOrder, Attempts] = {}
    for image in prepared_images(desired):
        attempts = until_now(observed.preparing.get(image.order, NO_ATTEMPTS), observed.now)
        for action, outcome in pulls:
            if image.order not in action.orders:
                continue
            if isinstance(outcome, Failed) and not is_excused(outcome, image.pull, observed):
                attempts = count_failure(attempts, outcome, desired.node, observed)
            else:
                attempts = NO_ATTEMPTS
        # Without a look at the images nobody knows whether the trouble is over.
        if attempts.failures and not prepared_for(image, observed):
            folded[image.order] = attempts
    return folded


def preparations_current(
    desired: NodeDesired, observed: Observation
) -> tuple[PreparationCurrent, ...]:
    """One for each that the document has, sorted. Unknown images are neither here nor missing."""
    return tuple(_current(desired, observed, image) for image in prepared_images(desired))


def _current(
    desired: NodeDesired, observed: Observation, image: PreparedImage
) -> PreparationCurrent:
    image_id, message, definite = "", "", False
    if not image.reference:
        message, definite = "the document has no spec for it", True
    elif observed.images is None:
        pass
    elif prepared_for(image, observed):
        image_id = observed.images[image.reference]
    elif image.pull is PullPolicy.NEVER:
        message = (
            f"image {image.reference} is not on node {desired.node}, and its pull policy is never"
        )
        definite = True
    else:
        attempts = observed.preparing.get(image.order, NO_ATTEMPTS)
        message, definite = attempts.message, attempts.definite
    return PreparationCurrent(
        project=image.order.project,
        service=image.order.service,
        spec=image.order.spec,
        version=image.order.version,
        refresh=image.order.refresh,
        image_id=image_id,
        message=message,
        definite=definite,
    )
