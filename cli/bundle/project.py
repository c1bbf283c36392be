"""Which files a project is in, whose variables it has, and what it is called.

Reads: `.env` files, and which files there are, by a `Disk`.
"""

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cli.bundle.disk import STREAM, Disk, Kind
from cli.bundle.dotenv import variables_of
from cli.bundle.errors import BundleError, located
from cli.bundle.variables import substituted
from cli.errors import UsageError
from compose.limits import TEXT_BYTES_MAX
from compose.notes import Notes
from compose.template import PROJECT_VARIABLE
from schemas.names import is_project_name

#: In the order in which Compose prefers them.
FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_NAME_MAX = 64
#: Compose's own variable for what --env-file names.
_ENV_FILES = "COMPOSE_ENV_FILES"
_VARIABLE = re.compile(r"[^=\s]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is on this machine, and what it is told from outside."""

    #: absolute, or `-`; the first is the main one
    files: tuple[str, ...]
    #: what relative paths begin at
    directory: str
    environment: Mapping[str, str]


def place(
    disk: Disk,
    files: Sequence[str],
    env_files: Sequence[str],
    env: Sequence[str],
    *,
    cwd: str,
    shell: Mapping[str, str],
    notes: Notes,
) -> Place:
    """Find the files, and the values of variables: `env` over the shell's over those of files.

    Raises:
        UsageError: no file, or an assignment that is none.
        BundleError: a file of variables can't be read.
    """
    given = dict(_assignments(env))
    outside = {
        "PWD": cwd,
        **shell,
        **{name: value for name, value in given.items() if value is not None},
    }
    reading = _Variables(disk, outside, notes)
    env_files = env_files or [each for each in outside.get(_ENV_FILES, "").split(",") if each]
    for file in env_files:
        reading.take(_absolute(file, cwd))
    if not env_files and not files:
        reading.take_default(cwd)
    found = tuple(_absolute(file, cwd) for file in files) or _found(disk, cwd, reading.known, notes)
    named = [file for file in found if file != STREAM]
    directory = posixpath.dirname(named[0]) if named else cwd
    if not env_files and (files or directory != cwd):
        reading.take_default(directory)
    for name in given:
        if name not in reading.known:
            raise UsageError(f"-e {name}: has no value here, and no .env file gives it one")
    return Place(found, directory, reading.known)


def project_name(
    name: str, place: Place, layers: Iterator[Mapping[str, object]], shown: str, notes: Notes
) -> str:
    """What the project is called.

    That is `name`, else COMPOSE_PROJECT_NAME, else what a file says, else what its directory is.

    Raises:
        UsageError: `name` is none, or there is none.
        BundleError: a variable in a file's `name` has a fault.
    """
    if name:
        if not is_project_name(name):
            raise UsageError(f"{name!r} can't name a project: use letters, digits and -")
        return name
    said = place.environment.get(PROJECT_VARIABLE, "")
    whence = PROJECT_VARIABLE
    if not said:
        whence = "name"
        for layer in layers:
            written = layer.get("name")
            if isinstance(written, str) and written:
                with located(shown):
                    said = substituted(written, place.environment, "name")
    found = normalised(said)
    if said and found != said:
        notes.warn(
            f"the project is called {found or 'otherwise'}: a name has a-z, 0-9 and -", where=whence
        )
    found = found or normalised(posixpath.basename(place.directory))
    if not found:
        raise UsageError("no name for the project: give one")
    return found


def normalised(name: str) -> str:
    """The name as Compose would have it, with hyphens for underscores, which ours can't have."""
    kept = re.sub(r"[^a-z0-9_-]", "", name.lower()).replace("_", "-")
    return kept.lstrip("-")[:_NAME_MAX]


class _Variables:
    """Variables from outside, and below them those of files."""

    def __init__(self, disk: Disk, outside: Mapping[str, str], notes: Notes) -> None:
        self.known = dict(outside)
        self._disk = disk
        self._outside = outside
        self._found: dict[str, str] = {}
        self._notes = notes

    def take(self, path: str) -> None:
        """Read a file; what a later one says counts."""
        shown = self._disk.shown(path)
        text = self._disk.text(path, "--env-file", bytes_max=TEXT_BYTES_MAX)
        with located():
            self._found |= variables_of(text, self._outside, shown, self._notes, self._found)
        self.known = {**self._found, **self._outside}

    def take_default(self, directory: str) -> None:
        """Read the directory's `.env`, if there is one."""
        path = posixpath.join(directory, ".env")
        is_unwanted = self.known.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in {"1", "true", "t"}
        if not is_unwanted and self._disk.kind(path) is Kind.FILE:
            before = self._found
            self.take(path)
            # The one beside the shell was read first, and Compose lets it win.
            self._found |= before
            self.known = {**self._found, **self._outside}


def _assignments(env: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    for written in env:
        name, separator, value = written.partition("=")
        if not _VARIABLE.fullmatch(name):
            raise UsageError(f"-e {written}: must be NAME=value, or NAME")
        yield name, value if separator else None


def _absolute(file: str, cwd: str) -> str:
    if not file:
        raise UsageError("-f: needs a file")
    return file if file == STREAM else posixpath.normpath(posixpath.join(cwd, file))


def _found(disk: Disk, cwd: str, known: Mapping[str, str], notes: Notes) -> tuple[str, ...]:
    """The files that nobody had to name."""
    if said := known.get("COMPOSE_FILE", ""):
        separator = known.get("COMPOSE_PATH_SEPARATOR", "") or os.pathsep
        return tuple(_absolute(file, cwd) for file in said.split(separator) if file)
    directory = cwd
    while True:
        main, override = (
            [
                path
                for path in (posixpath.join(directory, name) for name in names)
                if disk.kind(path) is not Kind.MISSING
            ]
            for names in (FILES, OVERRIDES)
        )
        if main:
            if len(main) > 1:
                others = ", ".join(map(disk.shown, main[1:]))
                notes.warn(f"is read, and not {others}", where=disk.shown(main[0]))
            return (main[0], *override[:1])
        above = posixpath.dirname(directory)
        if above == directory:
            raise UsageError(f"there is no {', '.join(FILES)} here or above: name a file with -f")
        directory = above


__all__ = ["BundleError", "Place", "normalised", "place", "project_name"]
