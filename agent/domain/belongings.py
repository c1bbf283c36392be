"""A project's networks and local volumes: which ones go, and which ones are not as wanted. Pure.

Both are as they were made: an engine changes none of their options. A network that nothing uses is
made anew; a volume holds data, and is not.
"""

from collections.abc import Iterable, Mapping

from agent.domain.actions import RemoveNetwork, RemoveVolume
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
    desired: NodeDesired, observed: Observation, left: Iterable[SeenContainer]
) -> list[RemoveNetwork]:
    """Those that nothing here uses, and nothing will as they are. `left` are the containers."""
    needed = _staying_projects(desired)
    in_use = {name for seen in left for name in seen.networks}
    others = {seen.name for seen in _other_networks(desired, observed)}
    if others:
        # A container that is being made is not seen yet, and would lose its network.
        claimed = {name for action in observed.in_flight for name in claims(action).used}
        others = {name for name in others if f"network {name}" not in claimed}
    return [
        RemoveNetwork(
            seen.project,
            seen.name,
            "the template has it otherwise"
            if seen.project in needed
            else "its project has left this node",
        )
        for seen in sorted(observed.networks or (), key=lambda seen: seen.name)
        if (seen.project not in needed or seen.name in others) and seen.name not in in_use
    ]


def unwanted_volumes(
    desired: NodeDesired, observed: Observation, left: Iterable[SeenContainer]
) -> list[RemoveVolume]:
    """Volumes hold data: only an explicit `absent` removes one, and never while it is used."""
    seen_names = {seen.name for seen in observed.volumes or ()}
    in_use = {name for seen in left for name in seen.volumes}
    return [
        RemoveVolume(volume.project, volume.name, "wanted absent")
        for volume in sorted(desired.volumes, key=lambda volume: volume.name)
        if volume.wanted is Wanted.ABSENT
        and volume.name in seen_names
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
