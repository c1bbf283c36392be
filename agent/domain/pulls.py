"""When an image is pulled, and what is known of it afterwards. Pure.

Where a policy asks the registry although the node has the image, it is asked once for an order: a
service's spec, version and refresh. What is made or repaired under it later takes the node's image,
and so does what is made of a preparation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.domain.actions import PullImage, PullOrder
from agent.domain.derived import once_per_document
from agent.domain.observation import Observation, Pulled
from agent.domain.outcomes import Failed, Outcome, Succeeded
from agent.domain.prepared_images import PreparedImage, prepared_images
from agent.domain.slot_order import SlotOrder, slot_orders
from schemas.desired import NodeDesired, PullPolicy

#: the policies that ask a registry for what the node has
_ASKING = frozenset({PullPolicy.NEWER, PullPolicy.ALWAYS})


def asks(pull: PullPolicy) -> bool:
    """Whether an order needs the registry even where the node has the image."""
    return pull in _ASKING


def pulled_for(order: SlotOrder, observed: Observation) -> Pulled | None:
    """The pull for the slot's order; None when it is still due, or was never called for.

    A container that carries the order was made after its pull: an agent that has just started
    learns from it.
    """
    if known := observed.pulled.get(order.pull):
        return known
    if not (order.slot.refresh or asks(order.slot.pull)):
        return None
    labels = order.labels
    carried = (labels.key.service_key, labels.fingerprint, labels.version, labels.refresh)
    carrying = [
        seen
        for seen in observed.containers or ()
        if (seen.key.service_key, seen.fingerprint, seen.version, seen.refresh) == carried
        and seen.image_id
    ]
    # Of several with different images, the newest was made of what the pull brought last.
    newest = max(carrying, key=lambda seen: (seen.created_at, seen.id), default=None)
    return Pulled(newest.image_id) if newest else None


def prepared_for(image: PreparedImage, observed: Observation) -> bool:
    """Whether the node has the image of a preparation, and the registry was asked if it had to be.

    A container of any set that carries the order proves it, as for slots.
    """
    if image.reference not in (observed.images or {}):
        return False
    order = image.order
    if not asks(image.pull) or order in observed.pulled:
        return True
    carried = (order.project, order.service, image.fingerprint, order.version, order.refresh)
    return any(
        (seen.key.project, seen.key.service, seen.fingerprint, seen.version, seen.refresh)
        == carried
        for seen in observed.containers or ()
    )


def is_excused(failure: Failed, pull: PullPolicy, observed: Observation) -> bool:
    """Whether the node's own image will do, so that its failed pull is nobody's problem."""
    return (
        isinstance(failure.action, PullImage)
        and pull is PullPolicy.NEWER
        and failure.action.reference in (observed.images or {})
    )


def remember(
    desired: NodeDesired, observed: Observation, outcomes: Iterable[Outcome]
) -> dict[PullOrder, Pulled]:
    """What is pulled after `outcomes`, which ended before `observed` was seen.

    What an order brought stays what it means: a name that moves on the node later, by somebody's
    hand, replaces no container. `observed.pulled` is what was before. What the document no longer
    orders is forgotten.
    """
    ordered = _ordered(desired)
    pulled = {order: known for order, known in observed.pulled.items() if order in ordered}
    unseen = set()
    for outcome in outcomes:
        if not isinstance(outcome.action, PullImage):
            continue
        if outcome.action in observed.in_flight:
            # It ended during the look: the images may be those of before.
            unseen.add(outcome.action.reference)
        for order in outcome.action.orders & ordered.keys():
            match outcome:
                case Succeeded():
                    pulled[order] = Pulled()
                case Failed(error=error) if is_excused(outcome, ordered[order].pull, observed):
                    pulled[order] = Pulled(refusal=str(error))
    images: Mapping[str, str] = observed.images or {}
    # Who asks no registry compares with what the node has when the order comes.
    unasked = (order for order, each in ordered.items() if order.refresh and not asks(each.pull))
    pulled = dict.fromkeys(unasked, Pulled()) | pulled
    for order, known in pulled.items():
        reference = ordered[order].reference
        if not known.image_id and reference not in unseen and reference in images:
            pulled[order] = Pulled(images[reference], known.refusal)
    return pulled


@dataclass(frozen=True, slots=True)
class _Ordered:
    pull: PullPolicy
    reference: str


@once_per_document
def _ordered(desired: NodeDesired) -> Mapping[PullOrder, _Ordered]:
    """What a document has images pulled for: its slots, and what they will be next."""
    ahead = {
        image.order: _Ordered(image.pull, image.reference)
        for image in prepared_images(desired)
        if image.reference
    }
    return ahead | {
        order.pull: _Ordered(order.slot.pull, order.spec.image)
        for order in slot_orders(desired)
        if order.spec
    }
