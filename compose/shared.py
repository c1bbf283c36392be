"""Mounts of the cluster's shared volumes, by name or by their path on the nodes."""

from collections.abc import Mapping

from compose.declared import Declared
from compose.errors import TemplateError, clipped
from compose.mounts import Mount
from schemas.service import VolumeMount
from schemas.volume import volume_of_path


def shared_mount(
    mount: Mount, declared: Mapping[str, Declared], shared: Mapping[str, str], base: str
) -> VolumeMount | None:
    """The mount if it is of a shared volume; None if it is anything else.

    `shared` maps volume names to mount paths below `base`. What the template itself declares comes
    first, unless it declares it as external.

    Raises:
        TemplateError: a path below the shared volumes' directory that belongs to none of them. Bound
            as it is, the application's data would land on the node's own disk.
    """
    if mount.kind == "bind":
        if mount.source in {base, f"{base}/nas", f"{base}/ossfs"}:
            # It could neither be waited for nor be seen to be stuck.
            raise TemplateError("mount a shared volume, not what is above it", where=mount.where)
        found = volume_of_path(mount.source, base)
        if found is None:
            return None
        mount_path, sub_path = found
        if mount_path not in shared.values():
            raise TemplateError(
                f"no shared volume is mounted at {base}/{clipped(mount_path)}",
                where=mount.where,
            )
        if not sub_path.isprintable():
            raise TemplateError("has a character that can't be printed", where=mount.where)
        return _of(mount, mount_path, sub_path)
    if mount.kind != "volume" or not mount.source:
        return None
    here = declared.get(mount.source)
    name = mount.source if here is None else here.name
    if (here is not None and not here.is_external) or name not in shared:
        return None
    return _of(mount, shared[name], "")


def _of(mount: Mount, mount_path: str, sub_path: str) -> VolumeMount:
    return VolumeMount(
        type="cluster",
        target=mount.target,
        source=mount_path,
        sub_path=sub_path,
        read_only=mount.read_only,
    )
