"""When an image is pulled, and what is known of it afterwards. Pure.

Where a policy asks the registry although the node has the image, it is asked once for an order: a
service's spec, version and refresh. What is made or repaired under it later takes the node's image.
"""

from collections.abc import Iterable, Mapping

from agent.domain.actions import PullImage, PullOrder
from agent.domain.derived import once_per_document
from agent.domain.observation import Observation, Pulled
from agent.domain.outcomes import Failed, Outcome, Succeeded
from agent.domain.slot_order import SlotOrder, slot_orders
from schemas.desired import DesiredSlot, NodeDesired, PullPolicy

#: the policies that ask a registry for what the node has
_ASKING = frozenset({PullPolicy.NEWER, PullPolicy.ALWAYS})


def asks(slot: DesiredSlot) -> bool:
    """Whether its order needs the registry even where the node has the image."""
    return slot.pull in _ASKING


def pulled_for(order: SlotOrder, observed: Observation) -> Pulled | None:
    """The pull for the slot's order; None when it is still due, or was never called for.

    A container that carries the order was made after its pull: an agent that has just started
    learns from it.
    """
    if known := observed.pulled.get(order.pull):
        return known
    if not (order.slot.refresh or asks(order.slot)):
        return None
    labels = order.labels
    carried = (labels.key.service_key, labels.fingerprint, labels.version, labels.refresh)
    for seen in observed.containers or ():
        carries = (seen.key.service_key, seen.fingerprint, seen.version, seen.refresh)
        if carries == carried and seen.image_id:
            return Pulled(seen.image_id)
    return None


def is_excused(failure: Failed, slot: DesiredSlot, observed: Observation) -> bool:
    """Whether the node's own image will do, so that its failed pull is nobody's problem."""
    return (
        isinstance(failure.action, PullImage)
        and slot.pull is PullPolicy.NEWER
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
    slots = _slots_by_pull(desired)
    pulled = {order: known for order, known in observed.pulled.items() if order in slots}
    unseen = set()
    for outcome in outcomes:
        if not isinstance(outcome.action, PullImage):
            continue
        if outcome.action in observed.in_flight:
            # It ended during the look: the images may be those of before.
            unseen.add(outcome.action.reference)
        for order in outcome.action.orders & slots.keys():
            match outcome:
                case Succeeded():
                    pulled[order] = Pulled()
                case Failed(error=error) if is_excused(outcome, slots[order], observed):
                    pulled[order] = Pulled(refusal=str(error))
    images: Mapping[str, str] = observed.images or {}
    # Who asks no registry compares with what the node has when the order comes.
    unasked = (order for order, slot in slots.items() if slot.refresh and not asks(slot))
    pulled = dict.fromkeys(unasked, Pulled()) | pulled
    for order, known in pulled.items():
        reference = desired.specs[slots[order].spec].image
        if not known.image_id and reference not in unseen and reference in images:
            pulled[order] = Pulled(images[reference], known.refusal)
    return pulled


@once_per_document
def _slots_by_pull(desired: NodeDesired) -> Mapping[PullOrder, DesiredSlot]:
    return {order.pull: order.slot for order in slot_orders(desired) if order.spec}
