"""Directories and files of a share for containers that don't get the whole of it.

Whoever writes to a share can put a link where a path leads through, at any moment, and an engine
that is given the path follows it to anywhere on the node. So the path is walked here, once, by the
kernel and without links, and what it leads to is bound at a place that only root can write to. The
engine is given that place.

A place never changes what it shows. Where a path leads to something else later, there is a new
place, and the old one goes; containers that run keep what they have.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mountd.errands.kernel import bind, detach, is_mounted, open_below
from mountd.errands.places import parent_of, remove_mountpoint

#: below the base directory, beside nas and ossfs
FOLDER = ".sub"
_REASONS = {
    errno.ENOENT: "it has no {path}",
    errno.ELOOP: "{path} leads through a symbolic link",
    errno.ENOTDIR: "{path} leads through something that is no directory",
    errno.EXDEV: "{path} leads out of it",
    errno.EACCES: "the server denies access to {path}",
    errno.ENAMETOOLONG: "{path} is too long",
}


@dataclass(frozen=True, slots=True)
class Share:
    """A mount, by its path below the base directory, and which one it is."""

    base: str
    mount_path: str
    incarnation: str


def hold(share: Share, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Hold each of the paths, and nothing else of the share. Place and reason, by path.

    A path that can't be had keeps the place that it had, for containers that are being started.

    Raises:
        OSError: the share itself can't be opened.
        PlaceRefusedError: somebody else could write where the places are.
    """
    found, kept = {}, set[str]()
    share_fd = os.open(
        f"{share.base}/{share.mount_path}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    )
    try:
        for path in paths:
            start = _start(share, path)
            try:
                place = _held(share, share_fd, path)
            except OSError as error:
                number = error.errno or 0
                reason = _REASONS.get(number, "{path}: " + os.strerror(number).lower())
                found[path] = ("", reason.format(path=_shown(path)))
                kept |= {
                    name
                    for name in _places(share)
                    if name.startswith(start) and is_mounted(f"{share.base}/{FOLDER}/{name}")
                }
            else:
                found[path] = (f"{FOLDER}/{place}", "")
                kept.add(place)
    finally:
        os.close(share_fd)
    _release(share.base, set(_places(share)) - kept)
    return found


def release(base: str, mount_path: str) -> None:
    """Hold nothing of a share any more. Never touches it. Raises as `hold`."""
    share = Share(base, mount_path, "")
    _release(base, set(_places(share)))


def _held(share: Share, share_fd: int, path: str) -> str:
    """The name of the place that shows what the path leads to now."""
    found_fd = open_below(share_fd, path)
    try:
        found = os.fstat(found_fd)
        if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        start = _start(share, path)
        for name in _places(share):
            if name.startswith(start) and _shows(f"{share.base}/{FOLDER}/{name}", found):
                return name
        name = start + secrets.token_hex(4)
        _make(share.base, name, is_directory=stat.S_ISDIR(found.st_mode))
        try:
            bind(found_fd, f"{share.base}/{FOLDER}/{name}")
        except OSError:
            # The next probe makes another one.
            remove_mountpoint(share.base, FOLDER, name)
            raise
        return name
    finally:
        os.close(found_fd)


def _shows(place: str, found: os.stat_result) -> bool:
    """Whether a place shows this. One whose directory was removed on the server shows nothing."""
    with suppress(OSError):
        return is_mounted(place) and os.path.samestat(Path(place).stat(), found)
    return False


def _make(base: str, name: str, *, is_directory: bool) -> None:
    with parent_of(base, FOLDER) as parent_fd:
        if is_directory:
            os.mkdir(name, 0o000, dir_fd=parent_fd)
        else:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            os.close(os.open(name, flags, 0o000, dir_fd=parent_fd))


def _places(share: Share) -> list[str]:
    """The places of all of the share's incarnations. Listing touches no share."""
    start = f"{_digest(share.mount_path, 12)}-"
    with parent_of(share.base, FOLDER) as parent_fd, os.scandir(parent_fd) as found:
        return sorted(one.name for one in found if one.name.startswith(start))


def _release(base: str, names: set[str]) -> None:
    for name in sorted(names):
        detach(f"{base}/{FOLDER}/{name}")
        remove_mountpoint(base, FOLDER, name)


def _start(share: Share, path: str) -> str:
    sub_path = _digest(f"{share.incarnation}\0{path}", 16)
    return f"{_digest(share.mount_path, 12)}-{sub_path}-"


def _digest(text: str, length: int) -> str:
    data = text.encode(errors="surrogatepass")
    return hashlib.sha256(data).hexdigest()[:length]


def _shown(path: str) -> str:
    """A stranger's path, fit for a message."""
    return "".join(letter if letter.isprintable() else "?" for letter in path)[:200]
