"""The files of this machine, as far as a Compose file may refer to them.

Reads: files, in bounded size and number; standard input, once.
"""

import stat
import sys
from enum import StrEnum
from pathlib import Path

from cli.bundle.errors import BundleError

#: Far more than any project has, and few enough to read.
FILES_MAX = 1000
#: standard input, on the command line and as a file's name
STREAM = "-"


class Kind(StrEnum):
    """What a path names. Links are followed."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"
    MISSING = "missing"


class Disk:
    """Reads files. `cwd` is where relative paths begin, and what messages leave out."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._texts: dict[str, bytes] = {}

    def shown(self, path: str) -> str:
        """The path as a message shows it: short, where it is below the working directory."""
        if path == STREAM:
            return "standard input"
        found = Path(path)
        return str(found.relative_to(self._cwd)) if found.is_relative_to(self._cwd) else path

    def kind(self, path: str) -> Kind:
        """What is there. A path that can't be one is missing."""
        try:
            mode = Path(path).stat().st_mode
        except (OSError, ValueError):
            return Kind.MISSING
        if stat.S_ISREG(mode):
            return Kind.FILE
        return Kind.DIRECTORY if stat.S_ISDIR(mode) else Kind.OTHER

    def ownership(self, path: str) -> tuple[int, int, int]:
        """Permission bits, user and group of a file that is there."""
        found = Path(path).stat()
        return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid

    def text(self, path: str, where: str, *, bytes_max: int) -> str:
        """A file as text.

        Raises:
            BundleError: it isn't there, can't be read, is no text, or is too large.
        """
        if path not in self._texts:
            if len(self._texts) >= FILES_MAX:
                raise BundleError(f"more than {FILES_MAX} files are read", where=where)
            self._texts[path] = self._bytes(path, where, bytes_max)
        content = self._texts[path]
        if len(content) > bytes_max:
            raise BundleError(
                f"{self.shown(path)} is longer than {bytes_max} bytes: bake it into the image, "
                "or put it on a volume",
                where=where,
            )
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise BundleError(
                f"{self.shown(path)} is no text in UTF-8: bake it into the image, or put it on "
                "a volume",
                where=where,
            ) from error

    def _bytes(self, path: str, where: str, bytes_max: int) -> bytes:
        # One more than allowed tells that there is more.
        if path == STREAM:
            return sys.stdin.buffer.read(bytes_max + 1)
        kind = self.kind(path)
        if kind is not Kind.FILE:
            said = "there is no such file" if kind is Kind.MISSING else "is no file"
            raise BundleError(f"{self.shown(path)}: {said}", where=where)
        try:
            with Path(path).open("rb") as file:
                return file.read(bytes_max + 1)
        except OSError as error:
            raise BundleError(
                f"{self.shown(path)} can't be read: {error.strerror}", where=where
            ) from error
