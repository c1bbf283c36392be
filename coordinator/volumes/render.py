"""Volumes as the API's bodies: one entry for each node, as classic Swarm lists them.

`base` is the directory that they are below, where a node says nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from coordinator.errors import NotFound
from coordinator.views.rollup import NodePicture
from coordinator.volumes.views import VolumeView
from schemas import views
from schemas.current import MountCurrent
from schemas.states import MountState
from schemas.volume import VolumeSpec


def render_created(volume: VolumeSpec, base: str) -> dict[str, Any]:
    """The answer to create: without a node, because it is on its way to all of them."""
    return _dumped(_plain(volume, base))


def render_volumes(
    volumes: Iterable[VolumeView], nodes: Sequence[NodePicture], base: str
) -> dict[str, Any]:
    """Every volume on every node that has it; one that no node has yet is there once."""
    entries = [entry for view in volumes for entry in _entries(view, nodes, base)]
    return {"Volumes": [_dumped(entry) for entry in entries]}


def render_inspected(
    volumes: Mapping[str, VolumeView], name: str, nodes: Sequence[NodePicture], base: str
) -> dict[str, Any]:
    """The volume on the first node where it works, with the containers of all nodes.

    Raises:
        NotFound: there is none of this name.
    """
    view = volumes.get(name)
    if view is None:
        raise NotFound("volume", name)
    entries = _entries(view, nodes, base)
    best = next((each for each in entries if each.state == MountState.MOUNTED), entries[0])
    refs = tuple(ref for entry in entries for ref in entry.refs)
    return _dumped(best.model_copy(update={"refs": refs}))


def _entries(view: VolumeView, nodes: Sequence[NodePicture], base: str) -> list[views.Volume]:
    entries = []
    for node in nodes:
        mount = view.mounts.get(node.name)
        if mount is None and node.name not in view.users:
            continue
        refs = tuple(
            views.VolumeRef(name=f"/{name}", id=identity)
            for name, identity in view.users.get(node.name, ())
        )
        state = _state(view, mount)
        known = {"node": node.name, "refs": refs, "state": state.value}
        if mount:
            known |= {
                "mountpoint": mount.mountpoint or _plain(view.volume, base).mountpoint,
                "since": mount.since,
                "reason": mount.reason,
            }
        entries.append(_plain(view.volume, base).model_copy(update=known))
    unmounted = _plain(view.volume, base).model_copy(
        update={"node": "", "refs": (), "state": _state(view, None).value}
    )
    return entries or [unmounted]


def _state(view: VolumeView, mount: MountCurrent | None) -> MountState:
    if view.is_deleting:
        # Also where the node hasn't heard of it yet, or has unmounted it and others haven't.
        return MountState.UNMOUNTING
    return mount.state if mount else MountState.MOUNTING


def _plain(volume: VolumeSpec, base: str) -> views.Volume:
    return views.Volume(
        name=volume.name,
        driver=volume.driver,
        mountpoint=f"{base}/{volume.mount_path}",
        labels=None,
        scope="global",
    )


def _dumped(entry: views.Volume) -> dict[str, Any]:
    return entry.model_dump(mode="json", by_alias=True, exclude_unset=True)
