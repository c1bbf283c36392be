"""What can be done to a mount, and how it can end: two closed lists."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.current import SubPathCurrent


class Operation(StrEnum):
    """What an errand is for."""

    MOUNT = "mount"
    PROBE = "probe"
    UNMOUNT = "unmount"


@dataclass(frozen=True, slots=True)
class Found:
    """A mount below the base directory, as the kernel's table and the records show it."""

    name: str
    mount_path: str
    incarnation: str
    #: the fingerprint of the wish; empty when nobody remembers
    made_for: str
    #: "nfs4", "fuse", "tmpfs"
    kind: str = ""
    #: "server:/export", or what a FUSE program calls itself
    source: str = ""


@dataclass(frozen=True, slots=True)
class Mounted:
    """It is mounted and its server has answered."""

    #: never that of an earlier mount
    incarnation: str
    #: the fingerprint of the wish
    made_for: str


@dataclass(frozen=True, slots=True)
class Unmounted:
    """No mount of it is left on this node, nor the directory that it was on."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A mount or an unmount did not come about. Nothing new is there."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The server has answered the probe, if only to say no."""

    #: of each sub path that was asked for
    sub_paths: tuple[SubPathCurrent, ...] = ()
    #: why they could not be looked for to the end; what was found before stands then
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer within the deadline. The mount may serve again as soon as its server does."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unasked:
    """The probe came to nothing, for want of something here. Of the server, nothing is known."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """What is mounted can't serve again: its program has ended, or it isn't a mount at all."""

    reason: str


Outcome = Mounted | Unmounted | Failed | Answered | Silent | Unasked | Dead
