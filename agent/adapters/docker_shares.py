"""A shared volume in a container, for the engine: a bind of the place where mountd has mounted it. Pure."""

import re
from typing import Any

from agent.errors import ContainerRejected
from schemas.service import VolumeMount

Body = dict[str, Any]

_MOUNT_PATH = re.compile(r"(nas|ossfs)/[A-Za-z0-9][A-Za-z0-9.-]*")


def shared_bind(mount: VolumeMount, base: str) -> Body:
    """The engine's Mount.

    Under Mounts, and not Binds: there the engine refuses a missing path and makes no directory,
    which would be on the node's own disk. And without propagation: a mount that replaces this one
    is no child of it, so it never travels; such a container has to be made anew.
    """
    if not _MOUNT_PATH.fullmatch(mount.source):
        raise ContainerRejected(f"{mount.source!r} is no shared volume")
    return {
        "Type": "bind",
        "Source": "/".join((base, mount.source, *_inner(mount))),
        "Target": mount.target,
        "ReadOnly": mount.read_only,
    }


def _inner(mount: VolumeMount) -> list[str]:
    """The directory in the volume, name by name. It must not lead out of it."""
    names = [name for name in mount.sub_path.split("/") if name not in {"", "."}]
    if mount.sub_path.startswith("/") or ".." in names or "\0" in mount.sub_path:
        raise ContainerRejected(f"{mount.sub_path!r} is no directory in {mount.source}")
    return names
