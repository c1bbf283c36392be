"""Shared volumes as a slot sees them: which it needs, and whether they can be used now. Pure.

Nobody but mountd touches a share. What is known here of a mount is what mountd said last, and a
mount that mountd doesn't speak of may be anything: it is never used, and nothing is undone for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote

from schemas.current import MountCurrent, SubPathCurrent
from schemas.desired import NodeDesired
from schemas.service import ServiceSpec
from schemas.states import MountState, Wanted

#: what a mount shows beside its last known state when nobody tells its present one
UNANSWERED = "mountd does not answer"


@dataclass(frozen=True, slots=True)
class Lack:
    """What is wrong with a volume, as `SlotProblem` says it."""

    code: str
    message: str
    #: mountd goes on trying, but a human has to help
    definite: bool = False
    #: RFC 3339, as mountd said; empty when it didn't
    since: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One shared volume that a slot needs, or a directory or file in one."""

    #: relative to the base directory, such as nas/photos; with a sub path, its `share_key`
    path: str
    #: what of the volume, relative to it; empty: the whole
    sub_path: str = ""
    #: the volume's name; empty when the document has no such volume, or wants it gone
    name: str = ""
    when_stuck: Literal["wait", "stop", "move"] = "wait"
    #: False: mountd doesn't answer, so nothing is known of the mount at present
    is_known: bool = True
    #: None: mountd doesn't know of it yet
    mount: MountCurrent | None = None

    @property
    def is_mounted(self) -> bool:
        return self.lack is None

    @property
    def is_stuck(self) -> bool:
        """Whether it is certain that whoever touches it may hang."""
        return self.is_known and self.mount is not None and self.mount.state is MountState.STUCK

    @property
    def incarnation(self) -> str:
        """Of the present mount, or the place of the sub path; empty unless it is mounted."""
        if self.mount is None or not self.is_mounted:
            return ""
        return self.mount.incarnation if self._held is None else self._held.place

    @property
    def lack(self) -> Lack | None:
        """Why no container may start on it now; None when one may."""
        if not self.name:
            return Lack("volume_missing", f"there is no volume {self.path} here", definite=True)
        what = f"volume {self.name}"
        if not self.is_known:
            return Lack("volume_missing", f"{what} is unknown: {UNANSWERED}")
        if self.mount is None:
            return Lack("volume_missing", f"{what} is not mounted yet")
        return _lack_of(self.mount, what) or self._lack_of_sub_path(what)

    @property
    def _held(self) -> SubPathCurrent | None:
        found = (one for one in (self.mount.sub_paths if self.mount else ()))
        return next((one for one in found if self.sub_path and one.path == self.sub_path), None)

    def _lack_of_sub_path(self, what: str) -> Lack | None:
        if not self.sub_path or (self._held is not None and self._held.place):
            return None
        if self._held is None:
            return Lack("volume_missing", f"{self.sub_path} in {what} is not looked for yet")
        return Lack("volume_missing", f"{what}: {self._held.reason}", definite=True)


def mount_paths(desired: NodeDesired, spec: ServiceSpec) -> tuple[str, ...]:
    """The shared volumes that a container of this spec gets, sorted.

    Those of containers whose volumes it takes too: the engine would make what is missing of them.
    """
    paths: set[str] = set()
    left, looked_at = [spec], list[ServiceSpec]()
    while left:
        one = left.pop()
        paths |= {mount.source for mount in one.volumes if mount.type == "cluster"}
        looked_at.append(one)
        if not one.volumes_from:
            continue
        names = {taken.partition(":")[0] for taken in one.volumes_from}
        others = (desired.specs.get(slot.spec) for slot in desired.slots if str(slot.key) in names)
        left += [other for other in others if other is not None and other not in looked_at]
    return tuple(sorted(paths))


def places(desired: NodeDesired, spec: ServiceSpec) -> tuple[tuple[str, str], ...]:
    """What a container of this spec needs: mount path, and sub path or nothing, sorted."""
    whole = [(path, "") for path in mount_paths(desired, spec)]
    return tuple(sorted({*whole, *_sub_paths(spec)}))


def shares(
    desired: NodeDesired,
    needed: Iterable[tuple[str, str]],
    mounts: Mapping[str, MountCurrent] | None,
) -> tuple[Share, ...]:
    """How the places are that a container needs. `mounts` by name; None: unknown."""
    return tuple(_share(desired, one, mounts) for one in needed)


def sub_paths(desired: NodeDesired) -> dict[str, tuple[str, ...]]:
    """What containers of this node get of shared volumes instead of the whole, by mount path."""
    found: dict[str, set[str]] = {}
    for spec in desired.specs.values():
        for path, sub_path in _sub_paths(spec):
            found.setdefault(path, set()).add(sub_path)
    return {path: tuple(sorted(inner)) for path, inner in sorted(found.items())}


def share_key(mount_path: str, sub_path: str) -> str:
    """A shared volume, or a sub path of one, as one word without commas and equals signs."""
    return f"{mount_path}/{quote(sub_path)}" if sub_path else mount_path


def _sub_paths(spec: ServiceSpec) -> set[tuple[str, str]]:
    mounts = (mount for mount in spec.volumes if mount.type == "cluster" and mount.sub_path)
    return {(mount.source, mount.sub_path) for mount in mounts}


def _share(
    desired: NodeDesired, wanted: tuple[str, str], mounts: Mapping[str, MountCurrent] | None
) -> Share:
    path, sub_path = wanted
    found = [
        Share(
            share_key(path, sub_path),
            sub_path,
            name=order.name,
            when_stuck=order.volume.when_stuck,
            is_known=mounts is not None,
            mount=_at(path, (mounts or {}).get(order.name)),
        )
        for order in desired.mounts
        if order.volume.mount_path == path and order.wanted is not Wanted.ABSENT
    ]
    # Two volumes may name the same bucket. Only one of them gets the place, and either will do.
    return min(found, key=lambda share: (not share.is_mounted, share.name), default=Share(path))


def _at(path: str, mount: MountCurrent | None) -> MountCurrent | None:
    """The mount, unless it still is where an earlier volume of its name had to be."""
    return mount if mount is not None and mount.mountpoint.endswith(f"/{path}") else None


def by_name(mounts: Iterable[MountCurrent], base: str) -> dict[str, MountCurrent]:
    """A report of mountd by the volumes' names, checked.

    A mount that is somewhere else is of no use to containers: they would get what lies at the
    place where it should be. It is failed, whatever mountd says of it.
    """
    found = {}
    for mount in mounts:
        path = "/".join(PurePosixPath(mount.mountpoint).parts[-2:])
        told = mount
        if mount.mountpoint and mount.mountpoint != f"{base}/{path}":
            reason = f"mountd has it at {mount.mountpoint}, but the agent's base is {base}"
            told = mount.model_copy(update={"state": MountState.FAILED, "reason": reason})
        found[mount.name] = told
    return found


def unanswered(
    desired: NodeDesired | None, last: Mapping[str, MountCurrent] | None
) -> dict[str, MountCurrent]:
    """What to tell of the mounts while nothing is known: the last known, and that it is old.

    One that was never heard of is told too: whoever misses it would think that it is gone.
    """
    told = {
        name: mount.model_copy(update={"is_known": False, "reason": UNANSWERED})
        for name, mount in (last or {}).items()
    }
    for order in desired.mounts if desired else ():
        state = MountState.UNMOUNTING if order.wanted is Wanted.ABSENT else MountState.MOUNTING
        fresh = MountCurrent(name=order.name, state=state, is_known=False, reason=UNANSWERED)
        told.setdefault(order.name, fresh)
    return told


def is_news(
    before: Mapping[str, MountCurrent] | None, after: Mapping[str, MountCurrent] | None
) -> bool:
    """Whether more than the times of last answers has changed."""
    if before is None or after is None:
        return before is not after
    return _lasting(before.values()) != _lasting(after.values())


def _lasting(mounts: Iterable[MountCurrent]) -> list[MountCurrent]:
    return [mount.model_copy(update={"answered_at": ""}) for mount in mounts]


def _lack_of(mount: MountCurrent, what: str) -> Lack | None:
    told = f"{what} is {mount.state}" + (f": {mount.reason}" if mount.reason else "")
    match mount.state:
        case MountState.MOUNTED:
            return None
        case MountState.STUCK:
            return Lack("volume_stuck", told, since=mount.since)
        case MountState.FAILED:
            return Lack("volume_failed", told, definite=True, since=mount.since)
        case MountState.MOUNTING | MountState.UNMOUNTING:
            return Lack("volume_missing", told, since=mount.since)
