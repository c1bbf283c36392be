"""One slot of a document, with everything that follows from the document alone. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from agent.domain.actions import ContainerLabels, PullOrder
from agent.domain.derived import once_per_document
from agent.domain.leaning import namespace_owners
from agent.domain.shares import places
from schemas.desired import DesiredSlot, NodeDesired
from schemas.fingerprint import fingerprint
from schemas.names import SlotKey
from schemas.service import Probe, ServiceSpec
from schemas.states import Wanted


@dataclass(frozen=True, slots=True)
class SlotOrder:
    """What is wanted of one slot."""

    slot: DesiredSlot
    key: SlotKey
    #: None for an absent slot, whose spec is no longer known
    spec: ServiceSpec | None
    #: what a new container gets, but for the incarnations of its shared volumes
    labels: ContainerLabels
    #: for what its image is pulled
    pull: PullOrder
    #: with another one, what failed under it is forgotten
    basis: str
    #: what it gets of shared volumes: mount path and sub path, sorted
    places: tuple[tuple[str, str], ...] = ()
    #: the containers whose namespaces it lives in, by name
    owners: frozenset[str] = frozenset()
    #: the networks that its container may be in, by name
    networks: frozenset[str] = frozenset()


@once_per_document
def slot_orders(desired: NodeDesired) -> tuple[SlotOrder, ...]:
    """One for each slot, in the order of their keys."""
    needed = {name: places(desired, spec) for name, spec in desired.specs.items()}
    by_key = {slot.key: slot for slot in desired.slots}
    return tuple(_order(desired, by_key[key], needed) for key in sorted(by_key))


@once_per_document
def probes(desired: NodeDesired) -> Mapping[SlotKey, Probe]:
    """Of the slots that are wanted running and have one."""
    return {
        order.key: order.spec.probe
        for order in slot_orders(desired)
        if order.slot.wanted is Wanted.RUNNING and order.spec and order.spec.probe
    }


@once_per_document
def references(desired: NodeDesired) -> frozenset[str]:
    """The images that the document's specs name."""
    return frozenset(spec.image for spec in desired.specs.values())


def order_of(slot: DesiredSlot) -> PullOrder:
    return PullOrder(slot.project, slot.service, slot.spec, slot.version, slot.refresh)


def _order(
    desired: NodeDesired, slot: DesiredSlot, needed: Mapping[str, tuple[tuple[str, str], ...]]
) -> SlotOrder:
    spec = desired.specs.get(slot.spec)
    labels = ContainerLabels(
        key=slot.key,
        fingerprint=fingerprint(spec) if spec else "",
        version=slot.version,
        refresh=slot.refresh,
        epoch=desired.epoch,
        generation=desired.generation,
    )
    return SlotOrder(
        slot=slot,
        key=labels.key,
        spec=spec,
        labels=labels,
        pull=order_of(slot),
        basis=f"{slot.wanted} {slot.spec} {slot.version} {slot.refresh} {slot.tries}",
        places=needed.get(slot.spec, ()),
        owners=namespace_owners(spec) if spec else frozenset(),
        networks=_networks(slot, spec) if spec else frozenset(),
    )


def _networks(slot: DesiredSlot, spec: ServiceSpec) -> frozenset[str]:
    attachments = (*spec.networks, *slot.joins)
    # A network mode may be the name of one.
    return frozenset({spec.network_mode, *(attachment.name for attachment in attachments)})
