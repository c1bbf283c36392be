"""What a service mounts: short strings and long maps to one form.

Sources are as the template names them; `resolve` gives volumes their names on the engine.
"""

import posixpath
import re
from dataclasses import dataclass, replace
from typing import Literal, cast

from compose.errors import TemplateError, below, shown
from compose.nested_keys import BIND_KEYS, MOUNT_KEYS, TMPFS_KEYS, VOLUME_MOUNT_KEYS, allowed
from compose.notes import Notes
from compose.tree import Tree, boolean, integer, sequence, text
from compose.units import size_bytes

Kind = Literal["volume", "bind", "tmpfs"]
Propagation = Literal["", "private", "rprivate", "shared", "rshared", "slave", "rslave"]

_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_PROPAGATIONS = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
#: Words about how lazily Docker Desktop may keep files in step. A Linux engine takes them and
#: has nothing to do.
_CONSISTENCIES = frozenset({"cached", "delegated", "consistent", "default"})
_LONG_KEYS = ("type", "source", "target", "read_only", "consistency")
_NO_DIRECTORY = (
    "a relative path means nothing on a cluster: the template has no directory; "
    "name an absolute path on the nodes, or a volume"
)


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a service. An empty source is an anonymous volume or a tmpfs."""

    kind: Kind
    target: str
    source: str
    where: str
    read_only: bool = False
    no_copy: bool = False
    #: None: up to the format
    must_exist: bool | None = False
    selinux: Literal["", "shared", "private"] = ""
    propagation: Propagation = ""
    tmpfs_size_bytes: int | None = None
    tmpfs_mode: int | None = None

    def __str__(self) -> str:
        """The mount in the short syntax, for people and for the API."""
        if self.kind == "tmpfs":
            size = f"size={self.tmpfs_size_bytes}" if self.tmpfs_size_bytes else ""
            bits = "" if self.tmpfs_mode is None else f"mode={self.tmpfs_mode:o}"
            options = ",".join(word for word in (size, bits) if word)
            return ":".join(part for part in ("tmpfs", self.target, options) if part)
        selinux = {"": "", "shared": "z", "private": "Z"}[self.selinux]
        no_copy = "nocopy" if self.no_copy else ""
        words = ("ro" if self.read_only else "", selinux, no_copy, self.propagation)
        mode = ",".join(word for word in words if word)
        return ":".join(part for part in (self.source, self.target, mode) if part)


def mounts(value: Tree, where: str, notes: Notes) -> tuple[Mount, ...]:
    """All mounts of a service. Of several in one place the last one counts.

    Raises:
        TemplateError: bad syntax, or a path that only means something on one machine.
    """
    found: dict[str, Mount] = {}
    for index, entry in enumerate(sequence(value, where)):
        at = below(where, index)
        mount = _long(entry, at) if isinstance(entry, dict) else _short(text(entry, at), at)
        if (before := found.get(mount.target)) is not None:
            same = replace(before, where=at) == mount
            told = "is there twice" if same else f"replaces what is mounted at {mount.target}"
            notes.warn(f"{told}: the last one counts", where=at)
        found[mount.target] = mount
    return tuple(found.values())


def is_volume_name(name: str) -> bool:
    """Whether an engine takes this as a volume's name."""
    return _VOLUME_NAME.fullmatch(name) is not None


def _short(written: str, where: str) -> Mount:
    parts = written.split(":")
    if len(parts) > 3 or not all(parts):
        raise TemplateError(f"must be [source:]target[:mode], not {shown(written)}", where=where)
    source = parts[0] if len(parts) > 1 else ""
    target = _target(parts[min(1, len(parts) - 1)], where)
    kind, source = _source(source, where)
    mount = Mount(kind, target, source, where)
    for word in parts[2].split(",") if len(parts) == 3 else ():
        mount = _with_mode(mount, word, parts[2])
    return mount


def _source(source: str, where: str) -> tuple[Kind, str]:
    if source.startswith("/"):
        return "bind", _normal(source)
    if source.startswith((".", "~")):
        raise TemplateError(_NO_DIRECTORY, where=where)
    if source and not is_volume_name(source):
        raise TemplateError(
            f"{shown(source)} is neither an absolute path nor a volume's name", where=where
        )
    return "volume", source


def _target(target: str, where: str) -> str:
    if not target.startswith("/"):
        raise TemplateError(
            f"the path in the container must be absolute, not {shown(target)}", where=where
        )
    path = _normal(target)
    if path == "/":
        raise TemplateError("nothing can be mounted over the container's root", where=where)
    return path


def _normal(path: str) -> str:
    # POSIX leaves the meaning of a leading // open, and normpath keeps it.
    return posixpath.normpath("/" + path.lstrip("/"))


def _with_mode(mount: Mount, word: str, whole: str) -> Mount:
    if word in {"ro", "rw"}:
        if {"ro", "rw"} <= set(whole.split(",")):
            raise TemplateError("ro and rw contradict each other", where=mount.where)
        return replace(mount, read_only=word == "ro")
    if word in _CONSISTENCIES:
        return mount
    if word == "nocopy" and mount.kind == "volume":
        return replace(mount, no_copy=True)
    if word in {"z", "Z"} and mount.source:
        return replace(mount, selinux="shared" if word == "z" else "private")
    if word in _PROPAGATIONS and mount.kind == "bind":
        return replace(mount, propagation=cast("Propagation", word))
    raise TemplateError(f"{shown(word)} is no mode of such a mount", where=mount.where)


def _long(entry: dict[str, Tree], where: str) -> Mount:
    kind = text(entry.get("type"), below(where, "type"))
    if kind not in {"volume", "bind", "tmpfs"}:
        raise TemplateError(
            f"must be volume, bind or tmpfs, not {shown(kind)}", where=below(where, "type")
        )
    found = allowed(entry, where, {key: MOUNT_KEYS[key] for key in (*_LONG_KEYS, kind)})
    source = text(found.get("source", ""), below(where, "source"))
    target = _target(text(found.get("target"), below(where, "target")), below(where, "target"))
    consistency = text(found.get("consistency", "default"), below(where, "consistency"))
    if consistency not in _CONSISTENCIES:
        raise TemplateError(f"unknown: {shown(consistency)}", where=below(where, "consistency"))
    real_kind, source = _source(source, below(where, "source"))
    if (kind == "tmpfs" and source) or (kind == "bind" and real_kind != "bind"):
        wanted = "takes no source" if kind == "tmpfs" else "needs an absolute path as its source"
        raise TemplateError(f"a {kind} mount {wanted}", where=where)
    if kind == "volume" and real_kind == "bind":
        raise TemplateError("a path is mounted with type: bind", where=below(where, "source"))
    mount = Mount(
        cast("Kind", kind),
        target,
        source,
        where,
        read_only=boolean(found.get("read_only", False), below(where, "read_only")),
    )
    return _with_options(mount, found.get(kind, {}))


def _with_options(mount: Mount, options: Tree) -> Mount:
    where = below(mount.where, mount.kind)
    if mount.kind == "volume":
        found = allowed(options, where, VOLUME_MOUNT_KEYS)
        return replace(mount, no_copy=boolean(found.get("nocopy", False), below(where, "nocopy")))
    if mount.kind == "tmpfs":
        found = allowed(options, where, TMPFS_KEYS)
        size = size_bytes(found.get("size", 0), below(where, "size"))
        mode = (
            integer(found["mode"], below(where, "mode"), maximum=0o7777)
            if "mode" in found
            else None
        )
        return replace(mount, tmpfs_size_bytes=size or None, tmpfs_mode=mode)
    found = allowed(options, where, BIND_KEYS)
    may_create = boolean(found.get("create_host_path", True), below(where, "create_host_path"))
    propagation = text(found.get("propagation", ""), below(where, "propagation"))
    selinux = text(found.get("selinux", ""), below(where, "selinux"))
    if propagation and propagation not in _PROPAGATIONS:
        raise TemplateError(f"unknown: {shown(propagation)}", where=below(where, "propagation"))
    if selinux not in {"", "z", "Z"}:
        raise TemplateError(f"must be z or Z, not {shown(selinux)}", where=below(where, "selinux"))
    if selinux and not may_create:
        # The engine labels only what it is given in the short form, which creates missing paths.
        raise TemplateError("contradicts create_host_path: false", where=below(where, "selinux"))
    is_open = "create_host_path" not in found and not selinux
    mount = replace(
        mount,
        propagation=cast("Propagation", propagation),
        must_exist=None if is_open else not may_create,
    )
    return _with_mode(mount, selinux, selinux) if selinux else mount
