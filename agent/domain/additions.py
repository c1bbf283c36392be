"""What a plan adds to the node for the decisions of its slots, in the order that it begins in. Pure.

    create networks -> create volumes -> connect -> pull images -> create, connect -> start

A container that is here joins a network before others are made in it: they find it at once.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from agent.domain.actions import Addition, CreateNetwork, CreateVolume, PullImage
from agent.domain.observation import Observation
from agent.domain.prepared_images import PreparedImage
from agent.domain.slot_order import order_of
from agent.domain.slot_view import Decision, SlotView
from schemas.desired import NodeDesired
from schemas.states import Wanted

Decided = tuple[SlotView, Decision]


def additions(
    desired: NodeDesired,
    observed: Observation,
    decided: Iterable[Decided],
    ahead: Sequence[PreparedImage],
    leaving: Collection[str],
) -> tuple[Addition, ...]:
    """What isn't under way already. `ahead`: what is pulled for later. `leaving`: networks."""
    adding = [(view, one) for view, one in decided if one.adds]
    if not (adding or ahead):
        return ()
    making = [one for one in adding if one[1].creates or one[1].starts]
    # Whoever lives in another container comes after it.
    ordered = sorted(
        (decision for _, decision in adding),
        key=lambda one: any(start.leans_on for start in one.starts),
    )
    return (
        *_fresh(_networks(desired, observed, adding, leaving), observed),
        *_fresh(_volumes(desired, observed, making), observed),
        *(each for one in ordered for each in one.connects if each.container_id),
        *_fresh(_pulls(adding, ahead), observed),
        *(create for one in ordered for create in one.creates),
        *(each for one in ordered for each in one.connects if not each.container_id),
        *(start for one in ordered for start in one.starts),
    )


def _networks(
    desired: NodeDesired,
    observed: Observation,
    adding: Iterable[Decided],
    leaving: Collection[str],
) -> Iterator[CreateNetwork]:
    seen = {network.name for network in observed.networks or ()} - set(leaving)
    needed = {
        attachment.name
        for view, decision in adding
        for attachment in (
            *(view.spec.networks if view.spec and (decision.creates or decision.starts) else ()),
            *(connect.attachment for connect in decision.connects),
        )
    }
    for network in sorted(desired.networks, key=lambda network: network.name):
        if network.name in needed - seen:
            yield CreateNetwork(network.name, network, "a container joins it")


def _volumes(
    desired: NodeDesired, observed: Observation, making: Iterable[Decided]
) -> Iterator[CreateVolume]:
    seen = {volume.name for volume in observed.volumes or ()}
    needed = {mount.source for view, _ in making if view.spec for mount in view.spec.volumes}
    for volume in sorted(desired.volumes, key=lambda volume: volume.name):
        if volume.name in needed - seen and volume.wanted is not Wanted.ABSENT:
            yield CreateVolume(volume.name, volume, "a container uses it")


def _pulls(adding: Iterable[Decided], ahead: Sequence[PreparedImage]) -> Iterator[PullImage]:
    """One for each reference, whoever needs it and for what."""
    waiting: dict[str, list[SlotView]] = {}
    for view, decision in adding:
        if decision.image:
            waiting.setdefault(decision.image, []).append(view)
    for reference in sorted(waiting.keys() | {image.reference for image in ahead}):
        views = waiting.get(reference, [])
        orders = chain(
            (order_of(view.slot) for view in views),
            (image.order for image in ahead if image.reference == reference),
        )
        reason = "it will be needed"
        if views:
            is_here = all(view.image_id for view in views)
            reason = "its newest is ordered" if is_here else "it is not on this node"
        yield PullImage(reference, tuple(view.key for view in views), frozenset(orders), reason)


def _fresh(actions: Iterable[Addition], observed: Observation) -> tuple[Addition, ...]:
    return tuple(dict.fromkeys(each for each in actions if each not in observed.in_flight))
