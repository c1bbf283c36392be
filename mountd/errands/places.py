"""Directories that nobody can exchange for others while we use them.

Every step is made from an open directory, one name at a time, and follows no symbolic link. So who
may write below one of them can make us fail, but can't make us act somewhere else.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: others may go through, to what they know the name of, and not look around
_PLACE_MODE = 0o711


class PlaceRefusedError(Exception):
    """A directory is not what it must be; the text says what is wrong with it."""


@contextmanager
def parent_of(base: str, folder: str) -> Iterator[int]:
    """The open directory `base/folder`, made if missing; it and `base` are ours alone.

    Raises:
        PlaceRefusedError: one of them is a link, or somebody else could write into it.
    """
    Path(base).mkdir(mode=_PLACE_MODE, parents=True, exist_ok=True)
    base_fd = _open_ours(base, None)
    try:
        _make(folder, _PLACE_MODE, base_fd)
        folder_fd = _open_ours(folder, base_fd)
    finally:
        os.close(base_fd)
    try:
        yield folder_fd
    finally:
        os.close(folder_fd)


def make_mountpoint(base: str, folder: str, name: str) -> str:
    """Make the directory to mount on, and say its path.

    Nobody but root can do anything in it while nothing is mounted there.

    Raises:
        PlaceRefusedError: something else is in its place.
    """
    with parent_of(base, folder) as parent_fd:
        _make(name, 0o000, parent_fd)
        found = os.stat(name, dir_fd=parent_fd, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            raise PlaceRefusedError(f"{base}/{folder}/{name} is not a directory")
    return f"{base}/{folder}/{name}"


def remove_mountpoint(base: str, folder: str, name: str) -> None:
    """Remove the directory or file to mount on, if it is there and empty.

    Raises:
        PlaceRefusedError: its parent is not what it must be.
    """
    if not Path(base, folder).is_dir():
        return
    with parent_of(base, folder) as parent_fd:
        try:
            found = os.stat(name, dir_fd=parent_fd, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and found.st_size == 0:
                os.unlink(name, dir_fd=parent_fd)
            else:
                os.rmdir(name, dir_fd=parent_fd)
        except FileNotFoundError:
            return
        except OSError as error:
            # Somebody wrote to the bare directory. That is local data, and not ours to delete.
            if error.errno not in (errno.ENOTEMPTY, errno.ENOTDIR):
                raise


def make_directories(root_fd: int, names: Iterable[str], mode: int) -> bool:
    """Make the directories below an open one, and say whether the last one is new.

    The last one gets `mode` if it is new; those on the way are made with 0755.

    Raises:
        PlaceRefusedError: a part of the path is a link, or no directory.
    """
    names = tuple(names)
    current, is_new = os.dup(root_fd), False
    try:
        for position, name in enumerate(names):
            is_new = _make(name, 0o755, current)
            # An export for others exists for mkdir, and is nowhere for open.
            following = _open(name, current, "is not shown to this node")
            os.close(current)
            current = following
            if is_new and position == len(names) - 1:
                # By descriptor: it is the directory that we opened, whatever has its name now.
                os.fchmod(current, mode)
    finally:
        os.close(current)
    return is_new


def _make(name: str, mode: int, parent_fd: int) -> bool:
    try:
        os.mkdir(name, mode, dir_fd=parent_fd)
    except FileExistsError:
        return False
    return True


def _open(name: str, parent_fd: int | None, missing: str = "was taken away") -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent_fd)
    except NotADirectoryError as error:
        # Also what Linux says of a link that it was told not to follow.
        raise PlaceRefusedError(f"{name} is a symbolic link or no directory") from error
    except FileNotFoundError as error:
        raise PlaceRefusedError(f"{name} {missing}") from error


def _open_ours(name: str, parent_fd: int | None) -> int:
    opened = _open(name, parent_fd)
    found = os.fstat(opened)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        os.close(opened)
        raise PlaceRefusedError(f"{name} must belong to root, and nobody else may write to it")
    return opened
