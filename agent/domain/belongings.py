"""A project's networks and local volumes: which ones go, and which ones are not as wanted. Pure.

Both are as they were made: an engine changes none of their options. A network that nothing uses is
made anew; a volume holds data, and is not.
"""

from collections.abc import Iterable, Mapping

from agent.domain.actions import DisconnectNetwork, RemoveNetwork, RemoveVolume
from agent.domain.claims import claims
from agent.domain.derived import once_per_document
from agent.domain.observation import Observation, SeenContainer, SeenNetwork
from agent.domain.problems import differing
from agent.domain.slot_view import SlotView
from schemas.current import SlotProblem
from schemas.desired import NodeDesired
from schemas.fingerprint import network_fingerprint, volume_fingerprint
from schemas.states import Wanted


def unused_networks(
    desired: NodeDesired,
    observed: Observation,
    left: Iterable[SeenContainer],
    parted: Iterable[DisconnectNetwork] = (),
) -> list[RemoveNetwork]:
    """Those that nothing here uses, and nothing will as they are.

    `left` are the containers, and `parted` those of their networks that they are taken out of.
    """
    staying, named = _staying_projects(desired), _named_networks(desired)
    leaves = {(each.container_id, each.network) for each in parted}
    in_use = {name for seen in left for name in seen.networks if (seen.id, name) not in leaves}
    others = {seen.name for seen in _other_networks(desired, observed)}
    unused = []
    for seen in sorted(observed.networks or (), key=lambda seen: seen.name):
        reason = ""
        if seen.project not in staying:
            reason = "its project has left this node"
        elif seen.name in others:
            reason = "the template has it otherwise"
        elif seen.name not in named:
            reason = "its project has it no more"
        if reason and seen.name not in in_use:
            unused.append(RemoveNetwork(seen.project, seen.name, reason))
    if not unused:
        return []
    # A container that is being made, or is joining, is not seen yet, and would lose its network.
    claimed = {
        name
        for action in observed.in_flight
        if not isinstance(action, RemoveNetwork)
        for name in claims(action).used | claims(action).held
    }
    return [action for action in unused if f"network {action.name}" not in claimed]


def unwanted_volumes(
    desired: NodeDesired, observed: Observation, left: Iterable[SeenContainer]
) -> list[RemoveVolume]:
    """Volumes hold data: only an explicit `absent` removes one, and never while it is used.

    Nor one that was made for another project, which the same name may be of.
    """
    ours = {(seen.project, seen.name) for seen in observed.volumes or ()}
    in_use = {name for seen in left for name in seen.volumes}
    return [
        RemoveVolume(volume.project, volume.name, "wanted absent")
        for volume in sorted(desired.volumes, key=lambda volume: volume.name)
        if volume.wanted is Wanted.ABSENT
        and (volume.project, volume.name) in ours
        and volume.name not in in_use
    ]


def differences(desired: NodeDesired, observed: Observation) -> dict[tuple[str, str], str]:
    """What is not as it is wanted, in words, by kind and name."""
    wanted = _wanted_volumes(desired)
    told = {
        ("volume", seen.name): f"volume {seen.name} was made with other options than the template "
        "has, and is kept with its data: remove it to have it made anew"
        for seen in observed.volumes or ()
        if seen.fingerprint and wanted.get(seen.name, seen.fingerprint) != seen.fingerprint
    }
    return told | {
        ("network", seen.name): f"network {seen.name} was made with other options than the "
        "template has: it is made anew once no container of this node is in it"
        for seen in _other_networks(desired, observed)
    }


def difference(view: SlotView, told: Mapping[tuple[str, str], str]) -> SlotProblem | None:
    """The first difference that a running slot has to live with."""
    if not told or view.spec is None or view.slot.wanted is not Wanted.RUNNING:
        return None
    used = (
        *(("volume", mount.source) for mount in view.spec.volumes if mount.type == "volume"),
        *(("network", attachment.name) for attachment in view.spec.networks),
    )
    return next((differing(view.slot, told[one]) for one in used if one in told), None)


def _other_networks(desired: NodeDesired, observed: Observation) -> list[SeenNetwork]:
    wanted = _wanted_networks(desired)
    return [
        seen
        for seen in observed.networks or ()
        if seen.fingerprint and wanted.get(seen.name, seen.fingerprint) != seen.fingerprint
    ]


@once_per_document
def _staying_projects(desired: NodeDesired) -> frozenset[str]:
    return frozenset(slot.project for slot in desired.slots if slot.wanted is not Wanted.ABSENT)


@once_per_document
def _named_networks(desired: NodeDesired) -> frozenset[str]:
    """Those that the document has, or that one of its containers is to be in, now or next."""
    staying = [slot for slot in desired.slots if slot.wanted is not Wanted.ABSENT]
    names = {slot.spec for slot in staying} | {
        slot.prepares.spec for slot in staying if slot.prepares
    }
    specs = [spec for name, spec in desired.specs.items() if name in names]
    return frozenset(
        {
            *(network.name for network in desired.networks),
            *(one.name for spec in specs for one in spec.networks),
            *(spec.network_mode for spec in specs),
            *(one.name for slot in staying for one in slot.joins),
        }
    )


@once_per_document
def _wanted_networks(desired: NodeDesired) -> Mapping[str, str]:
    """The fingerprints by name."""
    return {network.name: network_fingerprint(network) for network in desired.networks}


@once_per_document
def _wanted_volumes(desired: NodeDesired) -> Mapping[str, str]:
    """The fingerprints by name."""
    return {
        volume.name: volume_fingerprint(volume)
        for volume in desired.volumes
        if volume.wanted is not Wanted.ABSENT
    }
