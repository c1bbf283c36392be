"""The images that a document has prepared: what its slots will be next. Pure.

Many slots may prepare the same; it is prepared once for a service's spec, version and refresh.
"""

from dataclasses import dataclass

from agent.domain.actions import PullOrder
from agent.domain.derived import once_per_document
from schemas.desired import NodeDesired, PullPolicy
from schemas.fingerprint import fingerprint

#: Two slots of one service should not differ; if they do, the one that asks for more is served.
_LEAST_FIRST = (PullPolicy.NEVER, PullPolicy.MISSING, PullPolicy.NEWER, PullPolicy.ALWAYS)


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """One image, and the order that a later slot will find carried out."""

    order: PullOrder
    pull: PullPolicy
    #: empty: the document has no such spec
    reference: str
    #: of the containers that will be made from it
    fingerprint: str


@once_per_document
def prepared_images(desired: NodeDesired) -> tuple[PreparedImage, ...]:
    """One for each order, sorted."""
    policies: dict[PullOrder, PullPolicy] = {}
    for slot in desired.slots:
        if (ahead := slot.prepares) is not None:
            order = PullOrder(slot.project, slot.service, ahead.spec, ahead.version, ahead.refresh)
            known = policies.get(order, ahead.pull)
            policies[order] = max(known, ahead.pull, key=_LEAST_FIRST.index)
    return tuple(_image(desired, order, policies[order]) for order in sorted(policies, key=_key))


def _image(desired: NodeDesired, order: PullOrder, pull: PullPolicy) -> PreparedImage:
    spec = desired.specs.get(order.spec)
    if spec is None:
        return PreparedImage(order, pull, "", "")
    return PreparedImage(order, pull, spec.image, fingerprint(spec))


def _key(order: PullOrder) -> tuple[str, str, str, str, int]:
    return order.project, order.service, order.spec, order.version, order.refresh
