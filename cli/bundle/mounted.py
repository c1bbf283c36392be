"""Files of this machine that services mount: each becomes a config, which the agents write.

Reads: those files, by a `Disk`. A directory can't become one, and no node has it: it is refused.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cli.bundle.anchors import ClientPath
from cli.bundle.disk import Disk, Kind
from cli.bundle.errors import BundleError
from cli.bundle.variables import literal
from compose.limits import FILE_BYTES_MAX
from compose.notes import Notes

#: What a path of this machine can be replaced by.
_INSTEAD = (
    "use a shared volume (troopers volume create), a named volume, or build it into the image"
)
_REFUSED = {
    Kind.DIRECTORY: "is a directory of this machine, which no node has",
    Kind.MISSING: "is not on this machine, and no node would have it",
    Kind.OTHER: "is no file, and no node has it",
}
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_MAX = 200
#: So many of the places of one fault are named.
_SHOWN_MAX = 10


class Mounted:
    """Collects the files that the services of one tree mount. `taken` are configs that it has."""

    def __init__(self, disk: Disk, notes: Notes, taken: Iterable[str] = ()) -> None:
        self._disk = disk
        self._notes = notes
        self._taken = set(taken)
        #: by path
        self._names: dict[str, str] = {}
        self._contents: dict[str, str] = {}
        self._refused: list[tuple[ClientPath, str]] = []

    def take(self, service: dict[str, Any]) -> None:
        """Turn a service's mounts of files into configs.

        Raises:
            BundleError: a file can't be read, is no text, is too large, or can't be written.
        """
        mounts = service.get("volumes")
        if not isinstance(mounts, list):
            return
        rest: list[Any] = []
        files: list[Any] = []
        for mount in mounts:
            source = mount.get("source") if isinstance(mount, dict) else None
            if not isinstance(source, ClientPath):
                rest.append(mount)
            elif (kind := self._disk.kind(source.path)) is Kind.FILE:
                files.append(self._config(source, mount, service))
            else:
                self._refused.append((source, _REFUSED[kind]))
        if not files:
            return
        service["volumes"] = rest
        before = service.get("configs")
        service["configs"] = [*(before if isinstance(before, list) else []), *files]
        if not rest:
            del service["volumes"]

    def configs(self) -> dict[str, dict[str, Any]]:
        """The section that the files make.

        Raises:
            BundleError: some were no files; it names them all, and what to do instead.
        """
        if self._refused:
            first, said = self._refused[0]
            others = [source.where for source, _ in self._refused[1:]]
            rest = "".join(f"; {where} too" for where in others[:_SHOWN_MAX])
            if len(others) > _SHOWN_MAX:
                rest += f"; and {len(others) - _SHOWN_MAX} more"
            raise BundleError(f"{first.written} {said}: {_INSTEAD}{rest}", where=first.where)
        return {name: {"content": content} for name, content in self._contents.items()}

    def _config(
        self, source: ClientPath, mount: Mapping[str, Any], service: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The config that a mounted file becomes, as the service has it."""
        if _is_true(service.get("read_only")):
            raise BundleError(
                f"{source.written} would be written into a read-only container: "
                "leave read_only out, or build it into the image",
                where=source.where,
            )
        is_read_only = _is_true(mount.get("read_only"))
        if not is_read_only:
            self._notes.warn(
                f"{source.written} becomes a config: what a container writes to it is the "
                "container's own, and gone with it",
                where=source.where,
            )
        name = self._name(source.path)
        self._contents[name] = content_of(source, self._disk)
        return {"source": name, "target": mount.get("target"), **self._rights(source, is_read_only)}

    def _rights(self, source: ClientPath, is_read_only: bool) -> dict[str, Any]:
        """The file's permission bits, but for what differs between people's machines."""
        bits, uid, gid = self._disk.ownership(source.path)
        mode = f"{bits & (0o555 if is_read_only else 0o755):04o}"
        if bits & 0o004:
            return {"mode": mode}
        # Whom it belongs to matters only where not everybody may read it.
        return {"mode": mode, "uid": str(uid), "gid": str(gid)}

    def _name(self, path: str) -> str:
        """A name for a file, which no other config has."""
        if path not in self._names:
            base = _NOT_IN_A_NAME.sub("-", posixpath.basename(path)).lstrip(".-_") or "file"
            name, number = base[:_NAME_MAX], 1
            while name in self._taken:
                number += 1
                name = f"{base[:_NAME_MAX]}-{number}"
            self._taken.add(name)
            self._names[path] = name
        return self._names[path]


def _is_true(value: Any) -> bool:
    return value is True or value == "true"


def content_of(path: ClientPath, disk: Disk) -> str:
    """What a file of this machine has, as a template writes it.

    Raises:
        BundleError: it can't be read, is no text, or is too large.
    """
    text = disk.text(path.path, path.where, bytes_max=FILE_BYTES_MAX)
    if "\0" in text:
        raise BundleError(f"{path.written} is no text: build it into the image", where=path.where)
    return literal(text)
