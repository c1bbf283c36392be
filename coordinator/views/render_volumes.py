"""Volumes as the API's bodies: one entry for each node, as classic Swarm lists them.

`base` is the directory that they are below, where a node says nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coordinator.errors import NotFound
from coordinator.views.rollup import NodePicture
from coordinator.views.volumes import VolumeView
from schemas.current import MountCurrent
from schemas.states import MountState
from schemas.volume import VolumeSpec


def render_created(volume: VolumeSpec, base: str) -> dict[str, Any]:
    """The answer to create: without a node, because it is on its way to all of them."""
    return _plain(volume, base)


def volume_bodies(
    view: VolumeView, nodes: Sequence[NodePicture], base: str
) -> Iterator[dict[str, Any]]:
    """The volume on every node that has it; one that no node has yet is there once."""
    doubt = {"Record": view.record_state} if view.record_state else {}
    plain = {**_plain(view.volume, base), **doubt}
    is_somewhere = False
    for node in nodes:
        mount = view.mounts.get(node.name)
        users = view.users.get(node.name)
        if mount is None and users is None:
            continue
        is_somewhere = True
        refs = [{"Name": f"/{name}", "ID": identity} for name, identity in users or ()]
        body = {**plain, "Node": node.name, "Refs": refs, "State": _state(view, mount)}
        if mount:
            body |= {"Since": mount.since, "Reason": mount.reason}
            body["Mountpoint"] = mount.mountpoint or plain["Mountpoint"]
        yield body
    if not is_somewhere:
        yield {**plain, "Node": "", "Refs": [], "State": _state(view, None)}


def inspected_body(
    volumes: Mapping[str, VolumeView], name: str, nodes: Sequence[NodePicture], base: str
) -> dict[str, Any]:
    """The volume on the first node where it works, with the containers of all nodes.

    Raises:
        NotFound: there is none of this name.
    """
    view = volumes.get(name)
    if view is None:
        raise NotFound("volume", name)
    bodies = list(volume_bodies(view, nodes, base))
    best = next((each for each in bodies if each["State"] == MountState.MOUNTED), bodies[0])
    return {**best, "Refs": [ref for body in bodies for ref in body["Refs"]]}


def _state(view: VolumeView, mount: MountCurrent | None) -> MountState:
    if view.is_deleting:
        # Also where the node hasn't heard of it yet, or has unmounted it and others haven't.
        return MountState.UNMOUNTING
    return mount.state if mount else MountState.MOUNTING


def _plain(volume: VolumeSpec, base: str) -> dict[str, Any]:
    return {
        "Name": volume.name,
        "Driver": volume.driver,
        "Mountpoint": f"{base}/{volume.mount_path}",
        "Labels": None,
        "Scope": "global",
    }
