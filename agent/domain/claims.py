"""What an action holds and uses on the node: why one action has to wait for another.

Every conflict is by name (slot, host port, network, volume, image), so a failed removal blocks
exactly what needs the same name and nothing else.
"""

from dataclasses import dataclass
from typing import assert_never

from agent.domain.actions import (
    Action,
    ConnectNetwork,
    CreateContainer,
    CreateNetwork,
    CreateVolume,
    DisconnectNetwork,
    PullImage,
    RemoveContainer,
    RemoveNetwork,
    RemoveVolume,
    StartContainer,
    StopContainer,
)
from agent.domain.leaning import leans_on


@dataclass(frozen=True, slots=True)
class Claims:
    """Names held alone, and names used beside other users."""

    held: frozenset[str]
    used: frozenset[str] = frozenset()


def must_wait(later: Action, earlier: Action) -> bool:
    """Whether `later` may begin only after `earlier` has succeeded."""
    mine, theirs = claims(later), claims(earlier)
    return bool(mine.held & (theirs.held | theirs.used) or mine.used & theirs.held)


def claims(action: Action) -> Claims:  # noqa: C901, PLR0911 - one line per kind of action
    match action:
        case StopContainer(key=key, ports=ports):
            # It gives ports up: whoever wants them comes after it.
            return Claims(frozenset({f"slot {key}"}) | _named("port", ports))
        case RemoveContainer(key=key, volumes=volumes, networks=networks):
            used = _named("volume", volumes) | _named("network", networks)
            return Claims(frozenset({f"slot {key}"}), used)
        case DisconnectNetwork(network=network):
            return Claims(frozenset(), frozenset({f"network {network}"}))
        case RemoveNetwork(name=name) | CreateNetwork(name=name):
            return Claims(frozenset({f"network {name}"}))
        case RemoveVolume(name=name) | CreateVolume(name=name):
            return Claims(frozenset({f"volume {name}"}))
        case PullImage(reference=reference):
            return Claims(frozenset({f"image {reference}"}))
        case CreateContainer(key=key, spec=spec, awaits_pull=awaits_pull):
            networks = frozenset(attachment.name for attachment in spec.networks)
            volumes = frozenset(mount.source for mount in spec.volumes if mount.type == "volume")
            used = _in_networks(networks) | _named("volume", volumes)
            used |= _named("slot", leans_on(spec))
            used |= _named("image", frozenset({spec.image} if awaits_pull else ()))
            return Claims(frozenset({f"slot {key}"}), used)
        case ConnectNetwork(key=key, container_id="", attachment=attachment):
            # Its container may have to wait for an image, and others don't wait for that.
            return Claims(frozenset(), frozenset({f"network {attachment.name}", f"slot {key}"}))
        case ConnectNetwork(attachment=attachment):
            # Who is made or started in the network after it finds it there; who leaves it is no
            # matter. Its own slot is not claimed: a container that can't be connected is started
            # again all the same.
            return Claims(
                frozenset({f"joining {attachment.name}"}), frozenset({f"network {attachment.name}"})
            )
        case StartContainer(key=key, ports=ports, leans_on=others, networks=networks):
            used = _named("port", ports) | _named("slot", others) | _in_networks(networks)
            return Claims(frozenset({f"slot {key}"}), used)
        case _:
            assert_never(action)


def _named(kind: str, names: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{kind} {name}" for name in names)


def _in_networks(names: frozenset[str]) -> frozenset[str]:
    return _named("network", names) | _named("joining", names)
