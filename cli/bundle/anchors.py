"""Paths of this machine in a tree, made absolute while it is known whose they are. Pure.

A path in a file means what it means from that file's directory; after files are merged nobody could
tell any more. Every other path, such as a bind's of `/var/run/docker.sock`, is the nodes' own.
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.bundle.errors import BundleError, inside
from cli.bundle.variables import literal, substituted
from compose.errors import below
from compose.merge import Override, Reset

#: A path that begins with the working directory is this machine's, though it is absolute.
_WORKING_DIRECTORY = re.compile(r"\$(PWD|\{PWD(:?-[^}]*)?\})(/|$)")
_SECCOMP = re.compile(r"seccomp[=:](?!unconfined$|\{)(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ClientPath:
    """A path of this machine, absolute."""

    path: str
    #: as the file has it
    written: str = field(compare=False, repr=False)
    #: the file and the path in it
    where: str = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose paths they are."""

    #: the file, as messages show it
    shown: str
    directory: str
    home: str
    environment: Mapping[str, str]

    def read(self, text: str, where: str) -> str:
        """A text with its variables replaced."""
        return substituted(text, self.environment, where)

    def path(self, written: str, where: str) -> ClientPath:
        """Where a path leads from the directory."""
        return ClientPath(self.absolute(written), written, inside(self.shown, where))

    def absolute(self, written: str) -> str:
        """The path from the root."""
        if written.startswith("~"):
            written = posixpath.join(self.home, written[1:].lstrip("/"))
        return posixpath.normpath(posixpath.join(self.directory, written))


def anchored(layer: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """The tree with a `ClientPath` wherever it names a file of this machine.

    Raises:
        TemplateError: a variable in such a path has bad syntax, or is required and unset.
        BundleError: a volume of the nodes' engines is at a relative path.
    """
    found: Any = layer
    for steps, change in _PLACES.items():
        found = _changed(found, steps, change, origin, "")
    return dict(found)


def unanchored(value: Any) -> Any:
    """The tree with paths as they are written, for whoever will refuse them."""
    if isinstance(value, ClientPath):
        return value.written
    if isinstance(value, dict):
        return {key: unanchored(item) for key, item in value.items()}
    return [unanchored(item) for item in value] if isinstance(value, list) else value


_Change = Callable[[Any, Origin, str], Any]


def _changed(
    value: Any, steps: tuple[str, ...], change: _Change, origin: Origin, where: str
) -> Any:
    if isinstance(value, Override):
        return Override(_changed(value.value, steps, change, origin, where))
    if value is None or isinstance(value, Reset):
        return value
    if not steps:
        return change(value, origin, where)
    step, *rest = steps
    if step == "[]" and isinstance(value, list):
        return [
            _changed(item, tuple(rest), change, origin, below(where, index))
            for index, item in enumerate(value)
        ]
    if step != "[]" and isinstance(value, dict):
        return {
            key: _changed(item, tuple(rest), change, origin, below(where, key))
            if step in {"*", key}
            else item
            for key, item in value.items()
        }
    return value


def _path(value: Any, origin: Origin, where: str) -> Any:
    if not isinstance(value, str):
        return value
    return origin.path(origin.read(value, where), where)


def _paths(value: Any, origin: Origin, where: str) -> Any:
    """One path or a list of them, always as a list."""
    items = value if isinstance(value, list) else [value]
    return [_path(item, origin, below(where, index)) for index, item in enumerate(items)]


def _env_files(value: Any, origin: Origin, where: str) -> Any:
    """Paths or maps with a path, as a list of maps."""
    found = []
    for index, item in enumerate(value if isinstance(value, list) else [value]):
        at = below(where, index) if isinstance(value, list) else where
        if isinstance(item, dict):
            found.append({**item, "path": _path(item.get("path"), origin, below(at, "path"))})
        else:
            found.append({"path": _path(item, origin, at)})
    return found


def _mount(value: Any, origin: Origin, where: str) -> Any:
    return _long(value, origin, where) if isinstance(value, dict) else _short(value, origin, where)


def _short(value: Any, origin: Origin, where: str) -> Any:
    if not isinstance(value, str):
        return value
    source, *rest = origin.read(value, where).split(":")
    if not rest or not (source.startswith((".", "~")) or _WORKING_DIRECTORY.match(value)):
        return value
    modes = rest[1].split(",") if len(rest) > 1 else []
    return {
        "type": "bind",
        "source": origin.path(source, where),
        "target": literal(rest[0]),
        "read_only": "ro" in modes,
    }


def _long(value: dict[str, Any], origin: Origin, where: str) -> Any:
    source = value.get("source")
    if value.get("type") != "bind" or not isinstance(source, str):
        return value
    at = below(where, "source")
    path = origin.read(source, at)
    if path.startswith("/") and not _WORKING_DIRECTORY.match(source):
        return value
    return {**value, "source": origin.path(path, at)}


def _profile(value: Any, origin: Origin, where: str) -> Any:
    found = _SECCOMP.fullmatch(origin.read(value, where)) if isinstance(value, str) else None
    return value if found is None else {"seccomp": origin.path(found[1], where)}


def _volume(value: Any, origin: Origin, where: str) -> Any:
    options = value.get("driver_opts") if isinstance(value, dict) else None
    device = options.get("device") if isinstance(options, dict) else None
    if isinstance(device, str) and isinstance(options, dict):
        at = below(below(where, "driver_opts"), "device")
        kind = options.get("o")
        is_bind = isinstance(kind, str) and "bind" in origin.read(kind, at).split(",")
        if is_bind and not origin.read(device, at).startswith("/"):
            raise BundleError(
                f"{device} is a directory of this machine, which no node has: "
                "leave driver_opts out, or use a shared volume (troopers volume create)",
                where=inside(origin.shown, at),
            )
    return value


_PLACES: Mapping[tuple[str, ...], _Change] = {
    ("services", "*", "env_file"): _env_files,
    ("services", "*", "label_file"): _paths,
    ("services", "*", "volumes", "[]"): _mount,
    ("services", "*", "security_opt", "[]"): _profile,
    ("configs", "*", "file"): _path,
    ("secrets", "*", "file"): _path,
    ("volumes", "*"): _volume,
}
