"""A shared volume in a container, for the engine: a bind of where mountd has it. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from agent.domain.shares import share_key
from agent.errors import ContainerRejected
from schemas.service import VolumeMount

Body = dict[str, Any]

_MOUNT_PATH = re.compile(r"(nas|ossfs)/[A-Za-z0-9][A-Za-z0-9.-]*")


#: where mountd holds sub paths
_PLACE = re.compile(r"\.sub/[0-9a-f-]+")


def shared_bind(mount: VolumeMount, base: str, incarnations: Mapping[str, str]) -> Body:
    """The engine's Mount. `incarnations`: of the volumes, and the places of sub paths.

    Under Mounts, and not Binds: there the engine refuses a missing path and makes no directory,
    which would be on the node's own disk. And without propagation: a mount that replaces this one
    is no child of it, so it never travels; such a container has to be made anew.
    """
    if not _MOUNT_PATH.fullmatch(mount.source):
        raise ContainerRejected(f"{mount.source!r} is no shared volume")
    return {
        "Type": "bind",
        "Source": f"{base}/{_place(mount, incarnations) if mount.sub_path else mount.source}",
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }


def _place(mount: VolumeMount, incarnations: Mapping[str, str]) -> str:
    """Where mountd holds it. Never its path in the volume: a link there may lead anywhere."""
    place = incarnations.get(share_key(mount.source, mount.sub_path), "")
    if not _PLACE.fullmatch(place):
        raise ContainerRejected(f"{mount.sub_path!r} of {mount.source} is not held by mountd")
    return place
